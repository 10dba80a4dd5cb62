import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RegistryCredentials } from "../../operations/image/access.ts";
import { buildImage } from "../images/build.ts";
import { pushImage, type PushedImage } from "../images/push.ts";
import { root } from "../setup/paths.ts";
import { hashSources, listSources } from "../workload/sources.ts";
import { dependenciesOf } from "./dependencies.ts";

export interface ToolsPublication {
  /** Host and port: `127.0.0.1:7303`. */
  readonly registry: string;
  readonly auth?: RegistryCredentials;
  /** Keeps the layers for the next time. Made if missing. */
  readonly dir: string;
}

/** What of the CLI runs in a container: everything else may need packages that the image does not have. */
const served = /^operations\/(?!resource-verbs|people-verbs|people\/(?!agent|maintenance))/;

/**
 * Builds the image of this repository from its own Dockerfile, without a container engine, and pushes it as `affexai/tools`. What its RUN
 * instructions make comes from this machine: the packages from `node_modules`, as far as the agent and the maintenance application load
 * them, and PostgreSQL's programs as in all of the sandbox's containers. Equal sources give an equal digest.
 */
export async function publishTools({ registry, auth, dir }: ToolsPublication): Promise<PushedImage> {
  const packages = await dependenciesOf(root, ["operations/cli.ts"], (path) => served.test(path));
  await mkdir(dir, { recursive: true });
  const dockerfile = join(dir, "Dockerfile");
  await writeFile(dockerfile, withoutRun(await readFile(join(root, "Dockerfile"), "utf8")));
  await writeFile(`${dockerfile}.dockerignore`, ignoreRules(packages));
  const sources = new Map(
    (await listSources(join(root, "operations"))).map((path) => [path, join(root, "operations", path)]),
  );
  const image = await buildImage({
    context: root,
    dockerfile,
    buildArgs: { GIT_SHA: await hashSources(sources, [""], "sha1") },
    cacheDir: join(dir, "layers"),
  });
  return pushImage(image, { registry, repository: "affexai/tools", tags: ["latest"], ...(auth && { auth }) });
}

function withoutRun(dockerfile: string): string {
  return dockerfile.replace(/^RUN npm ci .*$/m, "COPY node_modules ./node_modules").replaceAll(/^RUN .*$/gm, "");
}

/** Types and source maps are never loaded. A package brings its own nested ones only where they are needed, too. */
function ignoreRules(packages: readonly string[]): string {
  const kept = (paths: readonly string[]) => paths.map((path) => `!${path}`);
  return [
    "*",
    ...kept(["package.json", "package-lock.json", "operations"]),
    ...kept(packages),
    ...packages.map((path) => `${path}/node_modules`),
    ...kept(packages.filter((path) => path.includes("/node_modules/"))),
    ...["d.ts", "d.mts", "d.cts", "map", "md"].map((ending) => `**/*.${ending}`),
  ].join("\n");
}
