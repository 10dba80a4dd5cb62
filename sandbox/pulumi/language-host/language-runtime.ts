import type { ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { status, type handleServerStreamingCall, type handleUnaryCall } from "@grpc/grpc-js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import { spawnProgram } from "./program.ts";
import { spawnPolicyPack } from "./policy-pack.ts";

/** `@pulumi/pulumi/cmd/run` exits with it when it has shown the program's error already (sdk/nodejs/cmd/run/index.ts). */
const errorWasShown = 32;

/**
 * The engine's `pulumirpc.LanguageRuntime` (proto/pulumi/language.proto, 3.259.0), as far as this project's programs and policy packs need it.
 * What is not here answers UNIMPLEMENTED, and the engine says so.
 */
export function languageRuntime(engineAddress: string) {
  return {
    handshake: answer(() => new language.LanguageHandshakeResponse()),
    getPluginInfo: answer(() => new plugin.PluginInfo().setVersion(sdkVersion())),
    // Empty: providers are found by name and version when the first resource of each is registered.
    getRequiredPackages: answer(() => new language.GetRequiredPackagesResponse()),
    getProgramDependencies: answer(() => new language.GetProgramDependenciesResponse()),
    runtimeOptionsPrompts: answer(() => new language.RuntimeOptionsResponse()),
    about: answer(() => new language.AboutResponse().setExecutable(process.execPath).setVersion(process.version)),
    // The request and the answer are both google.protobuf.Empty.
    cancel: answer((empty) => empty),
    installDependencies: endAtOnce,
    run: runProgram(engineAddress),
    runPlugin: runPolicyPack,
  };
}

/** `npm ci` is a step of the set-up; nothing is left to install. */
const endAtOnce: handleServerStreamingCall<
  language.InstallDependenciesRequest,
  language.InstallDependenciesResponse
> = (call) => {
  call.end();
};

function runProgram(engineAddress: string): handleUnaryCall<language.RunRequest, language.RunResponse> {
  return (call, reply) => {
    const child = endWithUs(spawnProgram(call.request, engineAddress));
    call.once("cancelled", () => child.kill("SIGKILL"));
    child.once("error", (error) => reply({ code: status.INTERNAL, details: error.message }));
    child.once("exit", (code, signal) => {
      const response = new language.RunResponse();
      if (code === errorWasShown) response.setBail(true);
      else if (code !== 0) response.setError(`The program ended with ${signal ?? `exit code ${code ?? "unknown"}`}.`);
      reply(null, response);
    });
  };
}

const runPolicyPack: handleServerStreamingCall<language.RunPluginRequest, language.RunPluginResponse> = (call) => {
  const kind = call.request.getKind();
  if (kind !== "analyzer") {
    const details = `This language host runs policy packs (kind analyzer), got ${kind}. Use the official Pulumi download for it.`;
    call.destroy(Object.assign(new Error(details), { code: status.UNIMPLEMENTED, details }));
    return;
  }
  const child = endWithUs(spawnPolicyPack(call.request));
  call.once("cancelled", () => child.kill("SIGKILL"));
  child.once("error", (error) => call.destroy(error));
  child.stdout.on("data", (chunk: Buffer) => call.write(new language.RunPluginResponse().setStdout(chunk)));
  child.stderr.on("data", (chunk: Buffer) => call.write(new language.RunPluginResponse().setStderr(chunk)));
  // "close" comes after the last line of both streams, unlike "exit".
  child.once("close", (code) => {
    call.write(new language.RunPluginResponse().setExitcode(code ?? 1));
    call.end();
  });
};

/** The engine is gone when this process ends: nobody is left whom the child could answer. */
function endWithUs<Child extends ChildProcess>(child: Child): Child {
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  return child;
}

function answer<Request, Response>(respond: (request: Request) => Response): handleUnaryCall<Request, Response> {
  return (call, reply) => reply(null, respond(call.request));
}

/** Of the @pulumi/pulumi that belongs to this host. */
function sdkVersion(): string {
  const manifest: unknown = createRequire(resolve(import.meta.filename))("@pulumi/pulumi/package.json");
  return typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "";
}
