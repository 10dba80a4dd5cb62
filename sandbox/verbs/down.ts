import { join } from "node:path";
import { access } from "node:fs/promises";
import type { Context } from "../../operations/verb.ts";
import { startContainerEngine } from "../containers/server.ts";
import { stopProcess } from "../processes/stop.ts";
import { readRecord, runningSupervisor, stopLeftovers, writeRecord } from "../supervisor/record.ts";
import { describeSandbox, givenDockerHost } from "../supervisor/sandbox.ts";

/** Stops the sandbox with its containers, also what a kill -9 of the supervisor left behind. Its data stays in the state folder. */
export async function sandboxDown({ env, progress }: Context): Promise<void> {
  const sandbox = describeSandbox(env);
  const { folder, runtime, hostsFile, host } = sandbox;
  const supervisor = await runningSupervisor(folder);
  if (supervisor !== null) {
    // It stops services wave by wave, containers with their grace periods.
    await progress.step("stop the services", () =>
      stopProcess(supervisor.process, [{ signal: "SIGTERM", withinMs: 3 * 60_000 }]),
    );
  }
  const record = await readRecord(folder);
  const stopped = record === null ? [] : await stopLeftovers(record);
  if (stopped.length > 0) progress.note(`Stopped what a killed supervisor had left running: ${stopped.join(", ")}.`);
  if (record !== null && record.state !== "failed")
    await writeRecord(folder, { ...record, state: "stopped", services: [] });
  if (runtime === "docker") {
    const { clearDockerRuntime } = await import("../docker/server.ts");
    return progress.step("stop the containers", () => clearDockerRuntime(folder, givenDockerHost(sandbox, env)));
  }
  const containers = join(folder, "containers");
  if (
    await access(containers).then(
      () => true,
      () => false,
    )
  ) {
    // An engine that was killed with -9 left its containers running. The next engine on the folder knows them.
    await progress.step("stop the containers", async () => {
      const engine = await startContainerEngine({
        host,
        port: 0,
        dir: containers,
        imagesDir: join(folder, "images"),
        hostsFile,
      });
      await engine.stopAll();
      await engine.close();
    });
  }
}
