import { join } from "node:path";
import type { Context } from "../../operations/verb.ts";
import { describeSandbox } from "../supervisor/sandbox.ts";
import { publishTools } from "../tools/publish.ts";
import { buildFolder } from "../workload/build.ts";
import { sandboxEnvironment } from "./environment.ts";

/** Builds the tools image, pushes it to the sandbox's registry, and returns its reference by digest: for the stack's setting `tools`. */
export async function sandboxTools({ env, progress }: Context): Promise<string> {
  const sandbox = describeSandbox(env);
  const { REGISTRY_USERNAME: username = "", REGISTRY_PASSWORD: password = "" } = await sandboxEnvironment(env);
  const { reference } = await progress.step("build and push the tools image", () =>
    publishTools({
      registry: `${sandbox.host}:${sandbox.ports.registry}`,
      auth: { username, password },
      dir: join(buildFolder, "tools"),
    }),
  );
  return reference;
}
