import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { RunPluginRequest } from "@pulumi/pulumi/proto/language_pb.js";

/**
 * Starts a policy pack with the pack's own @pulumi/pulumi, in the pack's folder: PolicyPack reads its version from the package.json there. The
 * engine's arguments begin with its address; it talks to the pack through the port that the pack writes to stdout.
 */
export function spawnPolicyPack(request: RunPluginRequest): ChildProcessByStdio<null, Readable, Readable> {
  const pack = request.getInfo()?.getProgramDirectory() ?? request.getProgram();
  const [engineAddress = ""] = request.getArgsList();
  const runner = createRequire(join(pack, "package.json")).resolve("@pulumi/pulumi/cmd/run-policy-pack");
  return spawn(process.execPath, [runner, engineAddress, pack], {
    cwd: pack,
    env: Object.fromEntries(request.getEnvList().map(splitVariable)),
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function splitVariable(variable: string): [string, string] {
  const at = variable.indexOf("=");
  return [variable.slice(0, at), variable.slice(at + 1)];
}
