import { z } from "zod";
import type { RegistryCredentials } from "../../operations/image/access.ts";
import { Manifest, digestOf } from "../../operations/image/manifest.ts";
import { parseReference } from "../../operations/image/reference.ts";
import { connectRegistry } from "../../operations/image/registry-client.ts";
import { manifestType } from "../../sandbox/images/build.ts";
import { pushImage } from "../../sandbox/images/push.ts";

const Config = z.looseObject({ config: z.looseObject({ Cmd: z.array(z.string()) }) });

/**
 * Pushes an image that is another one in all its files, and runs `script` (a module) before the program. So a bad release is the real
 * product with one fault in it. Returns its pinned name.
 */
export async function deriveImage(image: string, script: string, auth: RegistryCredentials): Promise<string> {
  const { registry, repository, digest } = parseReference(image);
  const client = connectRegistry({ registry, repository }, { credentials: auth });
  const accept = { accept: manifestType };
  const manifest = Manifest.parse(await (await client.request(`manifests/${digest}`, { headers: accept })).json());
  const config = Config.parse(await (await client.request(`blobs/${manifest.config.digest}`)).json());
  const [node = "node", ...program] = config.config.Cmd;
  const Cmd = [node, "--import", `data:text/javascript,${encodeURIComponent(script)}`, ...program];
  const bytes = encode({ ...config, config: { ...config.config, Cmd } });
  const derived = encode({ ...manifest, config: { ...manifest.config, digest: digestOf(bytes), size: bytes.length } });
  const pushed = await pushImage(
    // The registry holds the layers, so none of their files is read.
    {
      digest: digestOf(derived),
      manifest: derived,
      config: { digest: digestOf(bytes), bytes },
      layers: manifest.layers.map((layer) => ({ ...layer, diffId: layer.digest, path: "" })),
    },
    { registry, repository, tags: [], auth },
  );
  return pushed.reference;
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Ready never, and no good to users: whatever its dependencies are, they are missing. */
export const neverReady = `
import { Server } from "node:http";
const emit = Server.prototype.emit;
Server.prototype.emit = function (event, request, response) {
  if (event !== "request" || request.url === "/health" || request.url === "/version") return emit.apply(this, arguments);
  response.writeHead(503).end();
  return true;
};`;

/** Says that it is another image than it is: what a rollout sees whose container is not the one that was declared. */
export const lying = `process.env.AFFEXAI_IMAGE_DIGEST = "sha256:" + "9".repeat(64);`;

/** Ends by itself so long after its start, and again after each restart. */
export const crashingAfter = (seconds: number): string => `setTimeout(() => process.exit(70), ${seconds * 1000});`;

/** Good at the gate, and bad to users: every fourth page is an error. */
export const failing = `
import { ServerResponse } from "node:http";
const { writeHead } = ServerResponse.prototype;
let pages = 0;
ServerResponse.prototype.writeHead = function (status, ...rest) {
  const fails = this.req.url.startsWith("/api/pages/") && (pages += 1) % 4 === 0;
  return writeHead.call(this, fails ? 500 : status, ...rest);
};`;
