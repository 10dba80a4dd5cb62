import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { orWhenMissing } from "../../operations/image/missing.ts";
import { RegistryError } from "./errors.ts";
import { send, type Exchange } from "./exchange.ts";
import { isRepositoryName } from "./names.ts";

const isDigest = /^sha256:[0-9a-f]{64}$/;

/** Uploads that a request is writing to. Two at once would mix their bytes. */
const busy = new Set<string>();

/** POST: mounts a blob of another repository, takes a whole blob at once, or opens an upload. */
export async function startUpload(exchange: Exchange, repository: string): Promise<void> {
  const { store, url } = exchange;
  const [mount, from] = [url.searchParams.get("mount"), url.searchParams.get("from")];
  if (mount !== null && from !== null && isDigest.test(mount) && isRepositoryName(from)) {
    if ((await store.blobSize(from, mount)) !== undefined) {
      await store.linkBlob(repository, mount);
      await created(exchange, repository, mount);
      return;
    }
  }
  const id = randomUUID();
  await writeFile(join(store.uploads, id), "");
  if (url.searchParams.has("digest")) await finishUpload(exchange, repository, id);
  else await accepted(exchange, repository, id, 0, 202);
}

/** PATCH: appends a chunk. A chunk that does not begin where the last one ended is refused with what is there. */
export async function appendToUpload(exchange: Exchange, repository: string, id: string): Promise<void> {
  await accepted(exchange, repository, id, await append(exchange, repository, id), 202);
}

/** PUT: appends what comes with it, and makes the whole a blob if it has the announced digest. */
export async function finishUpload(exchange: Exchange, repository: string, id: string): Promise<void> {
  const { store, url } = exchange;
  const digest = url.searchParams.get("digest") ?? "";
  if (!isDigest.test(digest)) throw new RegistryError("DIGEST_INVALID", "provided digest is not a sha256 digest");
  await append(exchange, repository, id);
  const path = join(store.uploads, id);
  try {
    await store.adoptBlob(repository, path, digest);
  } finally {
    await rm(path, { force: true });
  }
  await created(exchange, repository, digest);
}

/** GET: how much of an upload has come. */
export async function showUpload(exchange: Exchange, repository: string, id: string): Promise<void> {
  await accepted(exchange, repository, id, await uploadSize(exchange, id), 204);
}

/** DELETE: gives an upload up. */
export async function cancelUpload(exchange: Exchange, id: string): Promise<void> {
  await uploadSize(exchange, id);
  await rm(join(exchange.store.uploads, id), { force: true });
  await send(exchange, 204, {});
}

async function append(exchange: Exchange, repository: string, id: string): Promise<number> {
  const { store, request } = exchange;
  const size = await uploadSize(exchange, id);
  const start = /^(\d+)-\d+$/.exec(request.headers["content-range"] ?? "")?.[1];
  if (start !== undefined && Number(start) !== size) {
    const headers = { range: `0-${Math.max(0, size - 1)}`, location: uploadPath(repository, id) };
    throw new RegistryError("RANGE_INVALID", "chunk does not start where the last one ended", { headers });
  }
  if (busy.has(id)) throw new RegistryError("BLOB_UPLOAD_INVALID", "another request is writing to this upload");
  busy.add(id);
  try {
    await pipeline(request, createWriteStream(join(store.uploads, id), { flags: "a" }));
  } finally {
    busy.delete(id);
  }
  return await uploadSize(exchange, id);
}

async function uploadSize({ store }: Exchange, id: string): Promise<number> {
  const status = await orWhenMissing(stat(join(store.uploads, id)), undefined);
  if (status === undefined) throw new RegistryError("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
  return status.size;
}

async function accepted(
  exchange: Exchange,
  repository: string,
  id: string,
  size: number,
  status: number,
): Promise<void> {
  const headers = {
    // Relative, as ghcr.io answers: a client must resolve it.
    location: uploadPath(repository, id),
    range: `0-${Math.max(0, size - 1)}`,
    "docker-upload-uuid": id,
    "content-length": 0,
  };
  await send(exchange, status, headers);
}

async function created(exchange: Exchange, repository: string, digest: string): Promise<void> {
  const location = `/v2/${repository}/blobs/${digest}`;
  await send(exchange, 201, { location, "docker-content-digest": digest, "content-length": 0 });
}

function uploadPath(repository: string, id: string): string {
  return `/v2/${repository}/blobs/uploads/${id}`;
}
