import { spawn, type ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { RunRequest } from "@pulumi/pulumi/proto/language_pb.js";

/**
 * Starts the program of a stack with the program's own @pulumi/pulumi. Its output goes where ours goes: the engine shows it.
 * Node runs TypeScript by itself (type stripping), so the SDK's ts-node is off.
 */
export function spawnProgram(request: RunRequest, engineAddress: string): ChildProcess {
  return spawn(process.execPath, programArguments(request, engineAddress), {
    cwd: request.getPwd(),
    env: { ...process.env, ...programEnvironment(request) },
    stdio: ["ignore", "inherit", "inherit"],
  });
}

function programArguments(request: RunRequest, engineAddress: string): string[] {
  const info = request.getInfo();
  const directory = info?.getProgramDirectory() ?? request.getPwd();
  return [
    ...nodeArguments(request),
    createRequire(join(directory, "package.json")).resolve("@pulumi/pulumi/cmd/run"),
    ...["--monitor", request.getMonitorAddress()],
    ...["--engine", engineAddress],
    ...["--organization", request.getOrganization()],
    ...["--project", request.getProject()],
    ...["--stack", request.getStack()],
    ...["--root-directory", info?.getRootDirectory() ?? directory],
    ...["--pwd", request.getPwd()],
    ...["--parallel", `${request.getParallel()}`],
    ...["--query-mode", `${request.getQuerymode()}`],
    ...(request.getDryrun() ? ["--dry-run"] : []),
    info?.getEntryPoint() ?? request.getProgram(),
    ...request.getArgsList(),
  ];
}

/** `runtime.options.nodeargs` of Pulumi.yaml, separated by spaces as the official host does. */
function nodeArguments(request: RunRequest): string[] {
  const options = request.getInfo()?.getOptions()?.toJavaScript()["nodeargs"];
  return typeof options === "string" ? options.split(" ").filter((argument) => argument !== "") : [];
}

function programEnvironment(request: RunRequest): Record<string, string> {
  return {
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().toObject())),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    PULUMI_NODEJS_TYPESCRIPT: "false",
  };
}
