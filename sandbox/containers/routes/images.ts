import type { ContainerEngine } from "../engine.ts";
import { parseFilters } from "../filters.ts";
import { pullImage, registryCredentials } from "../pull.ts";
import { parseReference } from "../reference.ts";
import { flag, type Call, type Route } from "../router.ts";
import { imageListView, imageView } from "../views.ts";

export function imageRoutes(engine: ContainerEngine, cacheDir: string): readonly Route[] {
  const name = ({ path }: Call) => path["name"] ?? "";
  return [
    ["POST", "/images/create", (call) => pull(engine, cacheDir, call)],
    ["GET", "/images/json", async ({ query }) => ({ status: 200, json: list(engine, query) })],
    ["GET", "/images/*name/json", async (call) => ({ status: 200, json: imageView(engine.images.get(name(call))) })],
    [
      "DELETE",
      "/images/*name",
      async (call) => {
        const image = engine.images.get(name(call));
        const user = engine.all().find(({ record }) => record.imageId === image.id);
        const removed = await engine.images.remove(name(call), user?.id, flag(call.query, "force"));
        return { status: 200, json: removed };
      },
    ],
  ];
}

function list(engine: ContainerEngine, query: URLSearchParams): object[] {
  const { reference = [] } = parseFilters(query.get("filters"));
  return engine.images
    .all()
    .filter(({ tags }) => reference.length === 0 || reference.some((wanted) => tags.some((tag) => named(tag, wanted))))
    .map((image) => imageListView(image, engine.all()));
}

function named(tag: string, wanted: string): boolean {
  return tag === wanted || tag.startsWith(`${wanted}:`);
}

/** Docker begins its answer before it pulls; here what fails is known first, so that it is an error status and not a line in the stream. */
async function pull(engine: ContainerEngine, cacheDir: string, { query, request, response }: Call): Promise<undefined> {
  const tag = query.get("tag") ?? "";
  const from = query.get("fromImage") ?? "";
  const text = tag === "" ? from : `${from}${tag.startsWith("sha256:") ? "@" : ":"}${tag}`;
  const { familiar, tag: wanted, digest } = parseReference(text);
  const header = request.headers["x-registry-auth"];
  const credentials = registryCredentials(Array.isArray(header) ? header[0] : header);
  const before = engine.images.find(text);
  const image = await pullImage(text, credentials, engine.images, cacheDir);
  engine.events.emit("image", "pull", text, { name: familiar });
  const state = before?.id === image.id ? "Image is up to date for" : "Downloaded newer image for";
  const lines = [
    { status: `Pulling from ${familiar}`, id: digest ?? wanted },
    { status: `Digest: ${image.digests[0]?.split("@")[1] ?? image.id}` },
    { status: `Status: ${state} ${text}` },
  ];
  response.writeHead(200, { "content-type": "application/json" });
  response.end(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(""));
  return undefined;
}
