import { join } from "node:path";
import type { Context } from "../../operations/verb.ts";
import { root } from "../setup/paths.ts";
import { describeSandbox, type Sandbox } from "../supervisor/sandbox.ts";
import { sandboxDown } from "../verbs/down.ts";
import { sandboxEnvironment } from "../verbs/environment.ts";
import { sandboxPublish } from "../verbs/publish.ts";
import { sandboxUp, type UpOptions } from "../verbs/up.ts";
import { emptyFolder, refuseForeign } from "./empty-folder.ts";
import type { Stage } from "./stage.ts";

/** The demo plays on a platform of its own, so that it never touches what somebody made by hand in `.sandbox`. */
export const demoFolder = join(root, ".sandbox", "demo");

/**
 * An empty platform that runs, with its published releases and their records. Refuses a state folder that no demo made. Cut off half-way, or
 * failed, it leaves nothing running.
 */
export async function openStage(
  { env: given, signal, progress }: Context,
  { runtime }: UpOptions = {},
): Promise<Stage> {
  const env = { ...given, AFFEXAI_SANDBOX_DIR: given.AFFEXAI_SANDBOX_DIR ?? demoFolder };
  const sandbox = describeSandbox(env);
  await progress.step("begin with an empty platform", async (inner) => {
    await refuseForeign(sandbox.folder);
    await sandboxDown({ env, signal, progress: inner });
    await emptyFolder(sandbox.folder);
  });
  await progress.step("sandbox up", (inner) => sandboxUp({ env, signal, progress: inner }, { runtime }));
  try {
    return await furnish(sandbox, { env, signal, progress });
  } catch (error) {
    await progress.step("stop the platform", (inner) =>
      sandboxDown({ env, signal: new AbortController().signal, progress: inner }),
    );
    throw error;
  }
}

async function furnish(sandbox: Sandbox, { env, signal, progress }: Context): Promise<Stage> {
  const environment: Context["env"] = { ...env, ...(await sandboxEnvironment(env)) };
  await joinNetwork(sandbox.hostsFile);
  const releases = await sandboxPublish({ env, signal, progress });
  const urls = (host: string) => `http://${host}:${sandbox.ports.proxy}`;
  return {
    env: environment,
    signal,
    folder: sandbox.folder,
    stack: "sandbox",
    urls: { backend: urls("api.affexai.localhost"), frontend: urls("affexai.localhost") },
    releases,
  };
}

/** This process asks applications and databases by their names too. Its children have the preload in their environment. */
async function joinNetwork(hostsFile: string): Promise<void> {
  process.env["AFFEXAI_SANDBOX_HOSTS"] = hostsFile;
  await import(new URL("../containers/network.mjs", import.meta.url).href);
}
