import assert from "node:assert/strict";
import { run } from "../../../operations/process.ts";
import { answers, engineAddress } from "../../../sandbox/docker/engine-address.ts";
import { startOwnEngine } from "../../../sandbox/docker/own-engine.ts";
import { findProgram } from "../../../sandbox/setup/program-path.ts";
import { whyNoDocker } from "../../sandbox/docker/runtime.ts";

export interface RealEngine {
  close(): Promise<void>;
}

/**
 * Makes this process's DOCKER_HOST name a real engine: the one that answers there, or one of its own with its data in `dir`. Returns why
 * there is none where that cannot be.
 */
export async function realEngine(dir: string): Promise<RealEngine | string> {
  const missing = (await findProgram("docker")) === null ? "the docker client is missing" : await whyNoDocker();
  if (missing !== null) return missing;
  if (process.platform !== "linux") return "an image of this machine's Node can be made on Linux only";
  const given = process.env["DOCKER_HOST"];
  if (await answers(engineAddress(given))) return { close: () => Promise.resolve() };
  const engine = await startOwnEngine(dir);
  assert.ok("socketPath" in engine.address);
  process.env["DOCKER_HOST"] = `unix://${engine.address.socketPath}`;
  return {
    async close() {
      await engine.stop();
      if (given === undefined) delete process.env["DOCKER_HOST"];
      else process.env["DOCKER_HOST"] = given;
    },
  };
}

/** Runs the docker client and returns what it wrote. */
export async function docker(...words: string[]): Promise<string> {
  return (await run({ file: "docker", arguments: words, timeoutMs: 60_000 })).stdout;
}
