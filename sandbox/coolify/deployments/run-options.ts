import type { HostConfig } from "dockerode";

/** What custom_docker_run_options turns into. */
export interface RunOptions {
  hostConfig: HostConfig;
  hostname?: string;
  entrypoint?: string[];
}

/**
 * Reads custom_docker_run_options as Coolify does (379abb2, convertDockerRunToCompose in bootstrap/helpers/docker.php): a handful of options
 * is understood, others are dropped without a word, and values are cut at the first hyphen, so `--security-opt no-new-privileges`
 * becomes `no`. Options that need hardware or raw addresses (--gpus, --device, --ip) are understood there and left out here.
 */
export function runOptions(text: string | null): RunOptions {
  const found = new Map<string, string[]>();
  for (const [, option = "", value] of (text ?? "").matchAll(/(--\w+(?:-\w+)*)(?:\s|=)?([^\s-]+)?/g)) {
    found.set(option, [...(found.get(option) ?? []), ...(value === undefined ? [] : [value])]);
  }
  const values = (option: string): string[] => [...new Set(found.get(option) ?? [])];
  const hostConfig: HostConfig = {};
  if (values("--cap-add").length > 0) hostConfig.CapAdd = values("--cap-add");
  if (values("--cap-drop").length > 0) hostConfig.CapDrop = values("--cap-drop");
  if (values("--security-opt").length > 0) hostConfig.SecurityOpt = values("--security-opt");
  if (values("--dns").length > 0) hostConfig.Dns = values("--dns");
  if (values("--sysctl").length > 0) hostConfig.Sysctls = pairs(values("--sysctl"));
  if (values("--ulimit").length > 0) hostConfig.Ulimits = values("--ulimit").map(ulimit);
  if (found.has("--init")) hostConfig.Init = true;
  if (found.has("--privileged")) hostConfig.Privileged = true;
  const [size] = values("--shm-size");
  if (size !== undefined) hostConfig.ShmSize = bytes(size);
  const hostname = /--hostname(?:=|\s+)(\S+)/.exec(text ?? "")?.[1];
  const entrypoint = /--entrypoint(?:=|\s+)("(?:\\.|[^"])*"|'[^']*'|\S+)/.exec(text ?? "")?.[1];
  return {
    hostConfig,
    ...(hostname === undefined ? {} : { hostname }),
    ...(entrypoint === undefined ? {} : { entrypoint: unquote(entrypoint).split(/\s+/) }),
  };
}

/** Bytes of docker's sizes: `512m`, `2g`, `1024`. 0 is no limit. */
export function bytes(size: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt])?/i.exec(size);
  const power = ["b", "k", "m", "g", "t"].indexOf((match?.[2] ?? "b").toLowerCase());
  return Math.round(Number(match?.[1] ?? 0) * 1024 ** power);
}

function pairs(values: string[]): Record<string, string> {
  return Object.fromEntries(values.map((value) => [value.split("=")[0] ?? "", value.slice(value.indexOf("=") + 1)]));
}

function ulimit(value: string): { Name: string; Soft: number; Hard: number } {
  const [name = "", limits = ""] = value.split("=");
  const [soft = "0", hard = soft] = limits.split(":");
  return { Name: name, Soft: Number(soft), Hard: Number(hard) };
}

function unquote(value: string): string {
  return /^["']/.test(value) ? value.slice(1, -1).replace(/\\(["$`\\])/g, "$1") : value;
}
