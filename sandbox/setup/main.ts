import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { provideEngine } from "./engine.ts";
import { root, toolsFolder } from "./paths.ts";
import { provideServers } from "./servers.ts";
import { SetupError } from "./step.ts";

// Run by the launcher when its record of the set-up (.tools/setup) is missing or names something that is gone. Node 24 and the npm packages are there
// by then. Installs what is missing and writes the record anew.

// An exit, unlike a death by signal, ends what was started on the way.
process.once("SIGINT", () => process.exit(130)).once("SIGTERM", () => process.exit(143));
try {
  await setUp();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`affexai: ${error.message}\naffexai: ${error.next}\n`);
  process.exitCode = 1;
}

async function setUp(): Promise<void> {
  const logs = join(toolsFolder, "logs");
  await mkdir(logs, { recursive: true });
  // Side by side: a build of the engine takes minutes. Both end before either's failure is told, so that nothing is left half-done.
  const [engine, servers] = await Promise.allSettled([provideEngine(logs), provideServers(logs)]);
  if (engine.status === "rejected") throw engine.reason;
  if (servers.status === "rejected") throw servers.reason;
  // One path a line, read by the launcher; the first line tells a clone that was moved.
  const folders = [engine.value, servers.value.postgresBin, dirname(servers.value.redisServer)];
  const draft = join(toolsFolder, `setup.${process.pid}`);
  await writeFile(draft, [root, ...folders, ""].join("\n"));
  await rename(draft, join(toolsFolder, "setup"));
}
