import type { RequestContext } from "./context.ts";

/** Cuts a list by `per_page` and `page`, and sets the `Link` header that leads to the others. */
export function paginate<Item>(
  context: RequestContext,
  items: readonly Item[],
  { perPage: usual, most } = { perPage: 30, most: 100 },
): Item[] {
  const wanted = Number(context.req.query("per_page") ?? usual);
  const perPage = Number.isInteger(wanted) && wanted > 0 ? Math.min(wanted, most) : usual;
  const page = Math.max(1, Number(context.req.query("page") ?? 1) || 1);
  const last = Math.max(1, Math.ceil(items.length / perPage));
  const links: string[] = [];
  const link = (to: number, relation: string) => {
    const url = new URL(context.req.url);
    url.searchParams.set("per_page", String(perPage));
    url.searchParams.set("page", String(to));
    links.push(`<${url.href}>; rel="${relation}"`);
  };
  if (page > 1) link(Math.min(page - 1, last), "prev");
  if (page < last) link(page + 1, "next");
  if (page < last) link(last, "last");
  if (page > 1) link(1, "first");
  if (links.length > 0) context.header("link", links.join(", "));
  return items.slice((page - 1) * perPage, page * perPage);
}
