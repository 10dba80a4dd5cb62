import { DockerError } from "./docker-error.ts";

/** An image's name taken apart. `repository` includes the registry's host; exactly one of `tag` and `digest` counts, the digest first. */
export interface Reference {
  /** `host[:port]` of the registry. */
  readonly registry: string;
  /** Without the registry, for example `affexai/backend` or `library/postgres`. */
  readonly path: string;
  /** As people write it: without Docker Hub's host and its `library/`. */
  readonly familiar: string;
  readonly tag: string;
  /** `sha256:<64 hex digits>` */
  readonly digest: string | undefined;
}

const dockerHub = "docker.io";

/**
 * Parses `[host/]path[:tag][@digest]` as Docker does (distribution/reference): the first part is a host if it holds a dot or a colon or is
 * `localhost`; otherwise the image is Docker Hub's.
 */
export function parseReference(text: string): Reference {
  const match = /^([^@]+?)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(text);
  const name = match?.[1];
  if (name === undefined || !/^[a-z0-9][a-z0-9._:/-]*$/i.test(name))
    throw new DockerError(400, "invalid reference format");
  const [first = "", ...rest] = name.split("/");
  const hosted = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const registry = hosted ? first : dockerHub;
  const path = hosted ? rest.join("/") : rest.length === 0 ? `library/${first}` : name;
  if (path !== path.toLowerCase()) {
    throw new DockerError(400, `invalid reference format: repository name (${path}) must be lowercase`);
  }
  const familiar = registry === dockerHub ? path.replace(/^library\//, "") : `${registry}/${path}`;
  return { registry, path, familiar, tag: match?.[2] ?? "latest", digest: match?.[3] };
}
