import { isImageName, isImageTag } from "../validation/patterns.ts";

/** What is stored of an image: its name and tag. */
export interface StoredImage {
  name: string;
  tag: string;
}

/** The problems of an image name on create (Coolify 379abb2, app/Rules/DockerImageFormat.php). PATCH does not run this check. */
export function imageFormatProblems(value: string): string[] {
  if (/:sha256?:/i.test(value)) {
    return [
      "The docker registry image name must use @ before sha256 digest (e.g., image@sha256:hash, not image:sha256:hash).",
    ];
  }
  const digest = /^(.+)@sha256:[a-f0-9]{64}$/i.exec(value);
  const [name, tag] = digest === null ? splitTag(value) : [digest[1] ?? "", undefined];
  const fine = isImageName(name) && (tag === undefined || isImageTag(tag));
  return fine ? [] : ["The docker registry image name format is invalid. Use image:tag or image@sha256:hash format."];
}

/**
 * Name and tag as create stores them. A digest, or a tag of 64 hex digits, becomes the name `…@sha256` and a bare hex tag; only a tag
 * `sha256-<hex>` stays as it is. Source: Coolify 379abb2, app/Services/DockerImageParser.php and create_application.
 */
export function parseOnCreate(name: string, tag: string | undefined): StoredImage {
  const sent = tag === undefined ? name : `${name}:${tag}`;
  const digest = /^(.+)@sha256:([a-f0-9]{64})$/i.exec(sent);
  if (digest !== null) return { name: `${digest[1] ?? ""}@sha256`, tag: digest[2] ?? "" };
  const [plain, found = "latest"] = splitTag(sent);
  const hex = /^[a-f0-9]{64}$/i.test(found);
  return { name: hex && !plain.endsWith("@sha256") ? `${plain}@sha256` : plain, tag: found };
}

/**
 * The reference that a deployment pulls. `sha256-<hex>` as tag renders as a digest; a name that already ends in `@sha256` together with
 * such a tag doubles the mark, which no engine accepts. Source: Coolify 379abb2, generate_image_names in ApplicationDeploymentJob.php.
 */
export function renderReference(name: string, tag: string | null): string {
  const used = tag === null || tag === "" ? "latest" : tag;
  return used.startsWith("sha256-") ? `${name}@sha256:${used.slice("sha256-".length)}` : `${name}:${used}`;
}

function splitTag(value: string): [string, string | undefined] {
  const colon = value.lastIndexOf(":");
  if (colon < 0 || colon < value.lastIndexOf("/")) return [value, undefined];
  return [value.slice(0, colon), value.slice(colon + 1)];
}
