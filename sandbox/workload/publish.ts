import { copyFile, link, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RegistryCredentials } from "../../operations/image/access.ts";
import { pinned } from "../../operations/image/reference.ts";
import { connectRegistry } from "../../operations/image/registry-client.ts";
import { type BaseImage, buildImage } from "../images/build.ts";
import { pushImage } from "../images/push.ts";
import { type Application, type BuiltRelease, buildReleases, type ReleaseBuild } from "./build.ts";
import { exclusively } from "./exclusive.ts";

export interface ReleasePublication extends ReleaseBuild {
  /** Host and port: `127.0.0.1:7303`. */
  readonly registry: string;
  readonly auth?: RegistryCredentials;
  /** What the images are built on where they have to be complete: for a Docker engine. */
  readonly base?: BaseImage;
}

interface PublishedImage {
  readonly digest: string;
  /** `<registry>/affexai/<application>@<digest>`. */
  readonly reference: string;
}

/** A release as its record starts: who it is, and the images that the registry holds. */
export interface PublishedRelease {
  readonly id: string;
  readonly gitSha: string;
  readonly images: Readonly<Record<Application, PublishedImage>>;
}

/** Builds what is not built, and pushes what the registry does not hold. Called again, it only asks the registry. */
export async function publishReleases(publication: ReleasePublication): Promise<PublishedRelease[]> {
  const built = await buildReleases(publication);
  return exclusively(join(publication.dir, "images"), publication.signal, async () => {
    const published: PublishedRelease[] = [];
    for (const release of built) {
      const image = (application: Application) => publishImage(release, application, publication);
      published.push({
        id: release.id,
        gitSha: release.gitSha,
        images: { backend: await image("backend"), frontend: await image("frontend") },
      });
    }
    return published;
  });
}

/** Where a release's applications are in the registry. */
const repositories: Readonly<Record<Application, string>> = {
  backend: "affexai/backend",
  frontend: "affexai/frontend",
};

async function publishImage(
  release: BuiltRelease,
  application: Application,
  { registry, auth, dir, base, progress, signal }: ReleasePublication,
): Promise<PublishedImage> {
  signal.throwIfAborted();
  const repository = repositories[application];
  const { key } = release.applications[application];
  const onBase = base === undefined ? "" : `-on-${base.layers.at(-1)?.diffId.slice(7, 23) ?? ""}`;
  const known = join(dir, "images", `${application}-${key.slice(0, 16)}-${release.gitSha}${onBase}.digest`);
  const digest = await readFile(known, "utf8").catch(() => undefined);
  if (digest !== undefined && (await holds({ registry, repository, ...(auth && { auth }) }, digest))) {
    return { digest, reference: pinned({ registry, repository }, digest) };
  }
  return progress.step(`push ${repository}:${release.id}`, async () => {
    const context = await assemble(release, application, dir);
    const image = await buildImage({
      context,
      dockerfile: join(context, "Dockerfile"),
      buildArgs: { RELEASE_ID: release.id, GIT_SHA: release.gitSha, ...(await assetsOf(release, application)) },
      cacheDir: join(dir, "layers"),
      ...(base && { base }),
    });
    const pushed = await pushImage(image, { registry, repository, tags: [release.id], ...(auth && { auth }) });
    await rm(context, { recursive: true });
    await writeFile(known, pushed.digest);
    return { digest: pushed.digest, reference: pushed.reference };
  });
}

/** Which build's files the pages of a frontend ask for: Next.js writes it down. */
async function assetsOf({ applications }: BuiltRelease, application: Application): Promise<Record<string, string>> {
  if (application !== "frontend") return {};
  return { ASSETS_ID: await readFile(join(applications.frontend.files, "apps/frontend/.next/BUILD_ID"), "utf8") };
}

async function holds(
  { registry, repository, auth }: { registry: string; repository: string; auth?: RegistryCredentials },
  digest: string,
): Promise<boolean> {
  const client = connectRegistry({ registry, repository }, auth === undefined ? {} : { credentials: auth });
  const accept = "application/vnd.oci.image.manifest.v1+json";
  const answer = await client.request(`manifests/${digest}`, { method: "HEAD", headers: { accept }, accept: [404] });
  await answer.body?.cancel();
  return answer.ok;
}

/** The build context of one image: the staged files, linked rather than copied, and who the release is. */
async function assemble(release: BuiltRelease, application: Application, dir: string): Promise<string> {
  const { files, dockerfile } = release.applications[application];
  const context = join(dir, "contexts", `${application}-${release.gitSha}`);
  await rm(context, { recursive: true, force: true });
  await linkTree(files, join(context, "image"));
  const { id, gitSha } = release;
  await writeFile(join(context, "image/release.json"), `${JSON.stringify({ id, gitSha })}\n`);
  await copyFile(dockerfile, join(context, "Dockerfile"));
  return context;
}

async function linkTree(source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory()) await linkTree(from, to);
    else await link(from, to);
  }
}
