import { RegistryError } from "./errors.ts";
import { sendJson, type Exchange } from "./exchange.ts";

/** GET /v2/<name>/tags/list, in lexical order, paged by `n` and `last`. */
export async function listTags(exchange: Exchange, repository: string): Promise<void> {
  const tags = await exchange.store.tags(repository);
  if (tags === undefined) throw new RegistryError("NAME_UNKNOWN", "repository name not known to registry");
  const { page, headers } = paged(exchange.url, tags);
  await sendJson(exchange, 200, { name: repository, tags: page }, headers);
}

/** GET /v2/_catalog, paged in the same way. */
export async function listRepositories(exchange: Exchange): Promise<void> {
  const { page, headers } = paged(exchange.url, await exchange.store.repositories());
  await sendJson(exchange, 200, { repositories: page }, headers);
}

function paged(url: URL, all: readonly string[]): { page: string[]; headers: Record<string, string> } {
  const asked = url.searchParams.get("n");
  const size = asked === null ? all.length : Number(asked);
  if (!Number.isInteger(size) || size < 0) {
    throw new RegistryError("PAGINATION_NUMBER_INVALID", "invalid number of results requested", {
      detail: { n: asked },
    });
  }
  const after = url.searchParams.get("last") ?? "";
  const rest = all.filter((name) => name > after);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  if (last === undefined || rest.length === page.length) return { page, headers: {} };
  const query = new URLSearchParams({ n: String(size), last });
  return { page, headers: { link: `<${url.pathname}?${query.toString()}>; rel="next"` } };
}
