import { access, constants, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { hasLanguageHost, installLanguageHost } from "../pulumi/language-host/install.ts";
import { buildEngine } from "./engine-build.ts";
import { pulumiHome, root, toolsFolder } from "./paths.ts";
import { runLogged, say } from "./step.ts";

const downloadWithinMs = 5 * 60_000;

/**
 * The folder of the Pulumi engine at the exact version of package.json, with a Node language host beside it. Taken where it already is; otherwise the
 * official download; otherwise built from its Go modules. Both put the engine where the npm package `pulumi` keeps it, for all clones of this user.
 */
export async function provideEngine(logsFolder: string): Promise<string> {
  const version = await pinnedVersion();
  const folder = join(pulumiHome(), "versions", version, "bin");
  const engine = join(folder, "pulumi");
  if (!(await answersWith(engine, version))) {
    // Cut off by a kill: the download would take it for complete.
    await rm(engine, { force: true });
    if (!(await download(version, join(logsFolder, "engine-download.log"))) || !(await answersWith(engine, version))) {
      await rm(engine, { force: true });
      await buildEngine({ version, target: engine, logFile: join(logsFolder, "engine-build.log") });
    }
  }
  if (await hasLanguageHost(folder)) return folder;
  const withHost = join(toolsFolder, "engine");
  await installLanguageHost({ engine, folder: withHost, node: process.execPath });
  return withHost;
}

async function pinnedVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(root, "node_modules", "pulumi", "package.json"), "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest) return String(manifest.version);
  throw new Error("node_modules/pulumi/package.json names no version.");
}

async function answersWith(engine: string, version: string): Promise<boolean> {
  if (
    !(await access(engine, constants.X_OK).then(
      () => true,
      () => false,
    ))
  )
    return false;
  const { stdout } = await execa(engine, ["version"], {
    env: { PULUMI_SKIP_UPDATE_CHECK: "1" },
    reject: false,
    timeout: 60_000,
  });
  return stdout?.trim() === `v${version}`;
}

/** The npm package's own launcher downloads the official engine on first use; without internet it fails within seconds. */
async function download(version: string, logFile: string): Promise<boolean> {
  say(`downloading the Pulumi engine ${version}, about 120 MB`);
  return runLogged({
    command: [process.execPath, join(root, "node_modules", "pulumi", "run.js"), "version"],
    logFile,
    timeoutMs: downloadWithinMs,
    wholeGroup: true,
    env: { PULUMI_VERSION: version, PULUMI_HOME: pulumiHome(), PULUMI_SKIP_UPDATE_CHECK: "1" },
  });
}
