import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isRunning, type ProcessIdentity } from "../../processes/process-table.ts";
import { stopProcess } from "../../processes/stop.ts";

/**
 * Ends the database server of a container whose own process is gone already, as after a kill: it runs in a session of its own, and in Docker it
 * would have died with the container. Its record is in the volume.
 */
export async function clearVolumeProcess(volume: string | null): Promise<void> {
  if (volume === null) return;
  const text = await readFile(join(volume, "server-process.json"), "utf8").catch(() => "");
  if (text === "") return;
  const server = JSON.parse(text) as ProcessIdentity;
  if (await isRunning(server)) await stopProcess(server, [{ signal: "SIGKILL", withinMs: 10_000 }]);
}
