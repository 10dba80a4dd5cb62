import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OperationError } from "../../operations/error.ts";
import type { Progress } from "../../operations/progress.ts";
import { exclusively } from "./exclusive.ts";
import { hashSources, type Sources, sourcesOf } from "./sources.ts";
import { Workspace } from "./workspace.ts";

/** Where this repository's sandbox keeps what it built: shared by all its uses, and kept when a sandbox is thrown away. */
export const buildFolder = join(import.meta.dirname, "../../.sandbox/build");

const applications = ["backend", "frontend"] as const;
export type Application = (typeof applications)[number];

export interface ReleaseBuild {
  /** Numbers of releases: 1 is the tree, the others are overlays. */
  readonly releases: readonly number[];
  /** Keeps the workspace and everything that was ever built in it. Made if missing. */
  readonly dir: string;
  readonly progress: Progress;
  /** Aborted to end the build half-way; the next one goes on from there. */
  readonly signal: AbortSignal;
}

/** A release whose applications are compiled, and staged for their Dockerfiles. */
export interface BuiltRelease {
  readonly id: string;
  /** Made from the content of the release's sources: overlays are no commits. 40 hex digits, equal for equal sources. */
  readonly gitSha: string;
  readonly applications: Readonly<Record<Application, StagedApplication>>;
}

interface StagedApplication {
  /** Names the content of `files`: equal keys, equal files. */
  readonly key: string;
  /** What the Dockerfile finds below `image/`, but for release.json. */
  readonly files: string;
  readonly dockerfile: string;
}

/** What both applications are made from, besides their own folders. */
const shared = ["packages/", "stage/", "tsconfig.base.json", "package.json", "package-lock.json"];

/**
 * Compiles the workload's releases and stages them for their images. Whatever is already built from the same content is found
 * again: a second call takes a second. Safe to kill and to call from two processes at once.
 */
export async function buildReleases({ releases, dir, progress, signal }: ReleaseBuild): Promise<BuiltRelease[]> {
  return exclusively(dir, signal, async () => {
    const workspace = new Workspace(dir, signal);
    const plans = await Promise.all(releases.map((release) => plan(release, dir)));
    const missing = await Promise.all(plans.map(({ staged }) => lacks(staged)));
    const unbuilt = plans.filter((_, index) => missing[index]?.length !== 0);
    refuseFrontendChanges(plans);
    const [first] = unbuilt;
    if (first !== undefined) {
      await workspace.hold(first.sources);
      await workspace.install(first.sources, progress);
      for (const name of ["shared-types", "lifecycle"]) await compile(workspace, `packages/${name}`);
      await Promise.all([buildFrontend(workspace, unbuilt, progress), buildBackends(workspace, unbuilt, progress)]);
    }
    return plans.map(({ id, gitSha, staged }) => ({ id, gitSha, applications: staged }));
  });
}

interface Plan {
  readonly id: string;
  readonly gitSha: string;
  readonly sources: Sources;
  readonly staged: Readonly<Record<Application, StagedApplication>>;
}

async function plan(release: number, dir: string): Promise<Plan> {
  const sources = await sourcesOf(release);
  const staged = async (application: Application): Promise<StagedApplication> => {
    const key = await hashSources(sources, [...shared, `apps/${application}/`]);
    const dockerfile = sources.get(`apps/${application}/Dockerfile`);
    if (dockerfile === undefined) throw new Error(`apps/${application} has no Dockerfile`);
    return { key, files: join(dir, "stages", `${application}-${key.slice(0, 16)}`), dockerfile };
  };
  return {
    id: `release-${release}`,
    gitSha: await hashSources(sources, [""], "sha1"),
    sources,
    staged: { backend: await staged("backend"), frontend: await staged("frontend") },
  };
}

/** Backends differ from release to release and are compiled one after another, in one place. */
async function buildBackends(workspace: Workspace, plans: readonly Plan[], progress: Progress): Promise<void> {
  for (const { id, sources, staged } of plans) {
    if (await exists(staged.backend.files)) continue;
    await progress.step(`compile the backend of ${id}`, async () => {
      // Leaves the other folders as they are: overlays change the backend only, and the frontend builds from those.
      await workspace.hold(sources);
      await rm(join(workspace.root, "apps/backend/dist"), { recursive: true, force: true });
      await compile(workspace, "apps/backend");
      await workspace.node("stage/backend.ts", []);
      await keep(workspace, "backend", staged.backend);
    });
  }
}

function refuseFrontendChanges(plans: readonly Plan[]): void {
  if (new Set(plans.map(({ staged }) => staged.frontend.key)).size <= 1) return;
  throw new OperationError("refused", {
    where: "examples/affexai/releases",
    what: "an overlay changes the frontend or what both applications share.",
    next: "Change only apps/backend there: the frontend is built once for all releases.",
  });
}

/** One build of the frontend serves all releases. */
async function buildFrontend(workspace: Workspace, plans: readonly Plan[], progress: Progress): Promise<void> {
  const [wanted] = plans.map(({ staged }) => staged.frontend);
  if (wanted === undefined || (await exists(wanted.files))) return;
  await progress.step("build the frontend (half a minute)", async () => {
    await workspace.node("node_modules/next/dist/bin/next", ["build", "apps/frontend"], {
      NEXT_TELEMETRY_DISABLED: "1",
      NODE_ENV: "production",
      AFFEXAI_BUILD_ID: wanted.key.slice(0, 16),
    });
    await workspace.node("stage/frontend.ts", []);
    await keep(workspace, "frontend", wanted);
  });
}

async function compile(workspace: Workspace, folder: string): Promise<void> {
  await workspace.node("node_modules/typescript/bin/tsc", ["-p", folder]);
}

/** Moves what was staged to where it is kept; a rename, so that it is there as a whole or not at all. */
async function keep(workspace: Workspace, application: Application, { files }: StagedApplication): Promise<void> {
  await mkdir(dirname(files), { recursive: true });
  await rename(join(workspace.root, "apps", application, "image"), files);
}

async function lacks(staged: Plan["staged"]): Promise<Application[]> {
  const there = await Promise.all(applications.map((application) => exists(staged[application].files)));
  return applications.filter((_, index) => there[index] === false);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
