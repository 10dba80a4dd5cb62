import { describeImage } from "../migration/image-runner.ts";
import { judgeMigrations } from "../migration/judge-migrations.ts";
import { rehearseAll, type RehearsalBackup } from "../migration/rehearsal/rehearse-release.ts";
import { rehearsalVariable } from "../migration/rehearsal/scratch-server.ts";
import { OperationError } from "../error.ts";
import { imageAccess } from "../image/access.ts";
import { inspectImage, type InspectedImage } from "../image/inspect.ts";
import type { ImageRuntime } from "../image/run-id.ts";
import type { Context } from "../verb.ts";
import { AssetsId, ReleaseId, ReleaseRecord } from "./spec.ts";

export interface ReleaseRequest {
  /** By digest or tag; the record names the digest. */
  readonly backend: string;
  readonly frontend: string;
  readonly maintenance: boolean;
  readonly imageRuntime: ImageRuntime;
  /** The TypeORM data source, relative to the backend's working directory. */
  readonly dataSource: string;
  readonly nodePath: string;
  /** What the migrations are rehearsed on besides a database of their own; only with REHEARSAL_DATABASE_URL. */
  readonly backup?: RehearsalBackup;
}

/** Where an image says which release it is (opencontainers image-spec, annotations.md). */
const releaseLabel = "org.opencontainers.image.version";
const commitLabel = "org.opencontainers.image.revision";
/** Where a frontend's image says which build's files its pages ask for. */
const assetsLabel = "com.affexai.assets";

/**
 * Makes a release's record from its built images: the id and the commit baked into them, their digests, and what the backend says of
 * its migrations, entities and TypeORM options. Nothing is taken from variables or from the checkout, since both can lie. With
 * REHEARSAL_DATABASE_URL, a scratch server, every migration is rehearsed, and the record says what was seen.
 */
export async function createRelease(request: ReleaseRequest, context: Context): Promise<ReleaseRecord> {
  const access = imageAccess(context.env, context.signal);
  const [backend, frontend] = await context.progress.step("read both images", () =>
    Promise.all([inspectImage(request.backend, access), inspectImage(request.frontend, access)]),
  );
  const { id, gitSha } = agreed(backend, frontend);
  const { imageRuntime, dataSource, nodePath } = request;
  const source = { image: backend.reference, imageRuntime, dataSource, nodePath };
  const description = await context.progress.step(`ask ${id} about its migrations and entities`, (progress) =>
    describeImage(source, { ...context, progress }),
  );
  const rehearsed = context.env[rehearsalVariable]
    ? await rehearseAll(source, description, request.backup ?? null, context)
    : null;
  const { migrations } = await judgeMigrations(description, rehearsed, context);
  return ReleaseRecord.parse({
    version: 1,
    id,
    gitSha,
    createdAt: new Date().toISOString(),
    images: { backend: backend.reference, frontend: frontend.reference },
    ...assetsOf(frontend),
    migrations: [...migrations],
    contract: description.contract,
    typeorm: description.typeorm,
    maintenance: request.maintenance,
  } satisfies ReleaseRecord);
}

/** Absent for a frontend whose pages do not name their build: then nothing routes by it. */
function assetsOf({ reference, labels: { [assetsLabel]: text } }: InspectedImage): { frontendAssets?: string } {
  if (text === undefined || text === "") return {};
  const id = AssetsId.safeParse(text);
  if (id.success) return { frontendAssets: id.data };
  throw new OperationError("refused", {
    where: "release create",
    what: `${reference}: label ${assetsLabel} is "${text}": ${id.error.issues.map(({ message }) => message).join("; ")}.`,
    next: "Build the image again, with the label as Next.js' deploymentId has it.",
  });
}

/** The release and the commit that both images carry; every problem with their labels at once. */
function agreed(backend: InspectedImage, frontend: InspectedImage): { id: string; gitSha: string } {
  const problems: string[] = [];
  const label = (image: InspectedImage, name: string, fits: (value: string) => boolean): string => {
    const value = image.labels[name] ?? "";
    if (!fits(value)) problems.push(`${image.reference}: label ${name} is ${value === "" ? "missing" : `"${value}"`}`);
    return value;
  };
  const isRelease = (value: string) => ReleaseId.safeParse(value).success;
  const isCommit = (value: string) => /^[0-9a-f]{40}$/.test(value);
  const [id, frontendId] = [label(backend, releaseLabel, isRelease), label(frontend, releaseLabel, isRelease)];
  const [gitSha, frontendSha] = [label(backend, commitLabel, isCommit), label(frontend, commitLabel, isCommit)];
  if (problems.length === 0 && id !== frontendId) {
    problems.push(`the backend is release ${id}, the frontend ${frontendId}`);
  }
  if (problems.length === 0 && gitSha !== frontendSha) {
    problems.push(`the backend is of commit ${gitSha}, the frontend of ${frontendSha}`);
  }
  if (problems.length === 0) return { id, gitSha };
  throw new OperationError("refused", {
    where: "release create",
    what: `\n${problems.map((problem) => `  - ${problem}`).join("\n")}\n`,
    next: `Build both images from one commit with the labels ${releaseLabel} (the release's id) and ${commitLabel} (40 hex digits).`,
  });
}
