import { join } from "node:path";
import { OperationError } from "../../operations/error.ts";
import type { Context } from "../../operations/verb.ts";
import { describeSandbox } from "../supervisor/sandbox.ts";
import { publishTools } from "../tools/publish.ts";
import { buildFolder } from "../workload/build.ts";
import { sandboxEnvironment } from "./environment.ts";

/** Builds the tools image, pushes it to the sandbox's registry, and returns its reference by digest: for the stack's setting `tools`. */
export async function sandboxTools({ env, progress }: Context): Promise<string> {
  const sandbox = describeSandbox(env);
  if (sandbox.runtime === "docker") {
    throw new OperationError("refused", {
      where: "sandbox tools",
      what: "works on the process runtime only: on Docker the image needs PostgreSQL's client programs, which its Dockerfile installs with apk.",
      next: "Use a state folder of the process runtime, or build the Dockerfile with `docker build` where packages can be fetched.",
    });
  }
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
