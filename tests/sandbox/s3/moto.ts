import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";

const version = "5.1.18";
const folder = resolve(import.meta.dirname, "../../../.tools", `moto-${version}`);
const server = join(folder, "bin", "moto_server");

/**
 * Installs moto from PyPI into a folder of its own, once. Returns null when it is there, else why it cannot be had: no Python, no
 * venv module, no package index.
 */
export async function installMoto(): Promise<string | null> {
  if (existsSync(server)) return null;
  const steps: [string, string[]][] = [
    ["python3", ["-m", "venv", folder]],
    [join(folder, "bin", "pip"), ["install", "--quiet", "--disable-pip-version-check", `moto[server,s3]==${version}`]],
  ];
  for (const [file, args] of steps) {
    const { failed, stderr, shortMessage } = await execa(file, args, { reject: false, timeout: 300_000 });
    if (!failed) continue;
    await rm(folder, { recursive: true, force: true });
    return `${shortMessage ?? file}${stderr ? `: ${stderr.trim().split("\n").at(-1)}` : ""}`;
  }
  return null;
}

/** Starts moto on a free port and waits until it says where. */
export async function startMoto(): Promise<{ url: string; stop: () => Promise<void> }> {
  const child = spawn(server, ["-H", "127.0.0.1", "-p", "0"], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "exit");
  const stop = async () => {
    child.kill();
    await ended;
  };
  for await (const line of createInterface({ input: child.stderr })) {
    const url = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stderr.resume();
    return { url, stop };
  }
  throw new Error("moto ended before it was listening.");
}
