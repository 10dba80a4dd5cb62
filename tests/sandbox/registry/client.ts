import { createHash } from "node:crypto";
import type { Registry } from "../../../sandbox/registry/server.ts";

export const credentials = { username: "robot", password: "registry-secret" };
export const basicHeader = `Basic ${btoa(`${credentials.username}:${credentials.password}`)}`;

/** A plain HTTP client with Basic authentication, that knows nothing of the protocol. */
export function clientOf(registry: Pick<Registry, "url">) {
  return async (method: string, path: string, body?: string, headers: Record<string, string> = {}) =>
    await fetch(new URL(path, registry.url), {
      method,
      headers: { authorization: basicHeader, ...headers },
      ...(body === undefined ? {} : { body }),
    });
}

export type Client = ReturnType<typeof clientOf>;

export function sha256(content: string | Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/** Uploads a blob in one request; its descriptor. */
export async function putBlob(client: Client, repository: string, content: string) {
  const digest = sha256(content);
  const answer = await client("POST", `/v2/${repository}/blobs/uploads/?digest=${digest}`, content);
  if (answer.status !== 201) throw new Error(`the upload answered ${answer.status}: ${await answer.text()}`);
  return { mediaType: "application/octet-stream", digest, size: content.length };
}

export const manifestType = "application/vnd.oci.image.manifest.v1+json";

/** A manifest over blobs that are there, as text. */
export async function makeManifest(
  client: Client,
  repository: string,
  content: string,
  more: object = {},
): Promise<string> {
  const config = await putBlob(client, repository, `{"config":"${content}"}`);
  const layer = await putBlob(client, repository, content);
  return JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config, layers: [layer], ...more });
}

/** The code of an error answer's first error. */
export async function errorCode(answer: Response): Promise<string | undefined> {
  const body = (await answer.json()) as { errors?: { code: string }[] };
  return body.errors?.[0]?.code;
}
