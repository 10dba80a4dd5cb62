import { OperationError } from "../error.ts";

/** A parsed image reference. At least one of `tag` and `digest` is there; the digest wins, as in Docker. */
export interface ImageReference {
  /** Host and port of the registry: `ghcr.io`, `127.0.0.1:7303`. */
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:<64 hex>`. */
  readonly digest?: string;
}

const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const pattern = new RegExp(
  `^(?<registry>[A-Za-z0-9.-]+(?::\\d{1,5})?|\\[[0-9a-f:]+\\](?::\\d{1,5})?)/` +
    `(?<repository>${component}(?:/${component})*)` +
    `(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$`,
);

/** Reads `<registry>/<repository>[:<tag>][@sha256:<hex>]`. A reference without a registry, or with neither tag nor digest, is refused. */
export function parseReference(text: string): ImageReference {
  const groups = pattern.exec(text)?.groups;
  const { registry, repository, tag, digest } = groups ?? {};
  if (registry === undefined || repository === undefined || !/[.:]|^localhost$/.test(registry)) {
    throw refused(text, "is not an image reference with a registry.");
  }
  if (tag === undefined && digest === undefined) throw refused(text, "names neither a tag nor a digest.");
  return { registry, repository, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** `<registry>/<repository>@<digest>`: the only form that is handed to machines. */
export function pinned(reference: Pick<ImageReference, "registry" | "repository">, digest: string): string {
  return `${reference.registry}/${reference.repository}@${digest}`;
}

/** Whether a registry may be spoken to without TLS: only one on this machine, as in Docker. */
export function isLoopback(registry: string): boolean {
  const host = registry.replace(/:\d+$/, "").toLowerCase();
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

function refused(text: string, what: string): OperationError {
  return new OperationError("refused", {
    where: `image ${text}`,
    what,
    next: "Write <registry>/<repository>@sha256:<64 hex digits>, or :<tag> where a tag is allowed.",
  });
}
