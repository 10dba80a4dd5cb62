import { getBlob } from "./blobs.ts";
import { RegistryError } from "./errors.ts";
import { send, type Exchange } from "./exchange.ts";
import { listRepositories, listTags } from "./listings.ts";
import { getManifest, getReferrers, putManifest } from "./manifests.ts";
import { isRepositoryName } from "./names.ts";
import type { Need } from "./tokens.ts";
import { appendToUpload, cancelUpload, finishUpload, showUpload, startUpload } from "./uploads.ts";

/** What a request asks for: the rights it needs, and what to do when it has them. */
export interface Route {
  readonly need: Need;
  handle(exchange: Exchange): Promise<void>;
}

const digestPattern = /^sha256:[0-9a-f]{64}$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Finds the route of a request below /v2/. Throws the error answer for a path that has none. */
export function findRoute(method: string, path: string): Route {
  if (path === "/v2/" || path === "/v2") {
    return { need: undefined, handle: (exchange) => send(exchange, 200, { "content-length": 2 }, "{}") };
  }
  if (path === "/v2/_catalog") return { need: undefined, handle: listRepositories };
  const match = /^\/v2\/(.+?)\/(blobs\/uploads|blobs|manifests|referrers|tags)\/([^/]*)$/.exec(path);
  const [, repository = "", kind = "", name = ""] = match ?? [];
  if (match === null) throw new RegistryError("NAME_UNKNOWN", "no such path");
  if (!isRepositoryName(repository)) {
    throw new RegistryError("NAME_INVALID", "invalid repository name", { detail: { name: repository } });
  }
  const reads = method === "GET" || method === "HEAD";
  const need: Need = { repository, right: reads && kind !== "blobs/uploads" ? "pull" : "push" };
  const handle = findHandler(reads ? "GET" : method, kind, repository, name);
  return { need, handle };
}

function findHandler(method: string, kind: string, repository: string, name: string): Route["handle"] {
  if (kind !== "blobs/uploads" && kind !== "tags") checkReference(kind, name);
  switch (`${method} ${kind}`) {
    case "GET blobs":
      return (exchange) => getBlob(exchange, repository, name);
    case "POST blobs/uploads":
      return (exchange) => startUpload(exchange, repository);
    case "PATCH blobs/uploads":
      return (exchange) => appendToUpload(exchange, repository, checkUpload(name));
    case "PUT blobs/uploads":
      return (exchange) => finishUpload(exchange, repository, checkUpload(name));
    case "GET blobs/uploads":
      return (exchange) => showUpload(exchange, repository, checkUpload(name));
    case "DELETE blobs/uploads":
      return (exchange) => cancelUpload(exchange, checkUpload(name));
    case "GET manifests":
      return (exchange) => getManifest(exchange, repository, name);
    case "PUT manifests":
      return (exchange) => putManifest(exchange, repository, name);
    case "GET referrers":
      return (exchange) => getReferrers(exchange, repository, name);
    case "GET tags":
      return (exchange) => listTags(exchange, repository);
    default:
      // Deleting too: ghcr.io has that only in GitHub's own packages API.
      throw new RegistryError("UNSUPPORTED", "The operation is unsupported.");
  }
}

function checkReference(kind: string, name: string): void {
  if (digestPattern.test(name)) return;
  if (kind === "manifests" && tagPattern.test(name)) return;
  if (kind === "manifests" && !name.includes(":"))
    throw new RegistryError("TAG_INVALID", "manifest tag did not match URI");
  throw new RegistryError("DIGEST_INVALID", "invalid digest", { detail: { digest: name } });
}

/** An upload's id becomes a file name, so only our own are looked up. */
function checkUpload(id: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return id;
  throw new RegistryError("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
}
