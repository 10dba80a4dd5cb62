import type { ComponentView, PageView } from "@affexai/shared-types";
import { cache } from "react";
import { askBackend, publicApiUrl } from "./backend.ts";

/** A published page, or undefined when there is none. Asked once per request, however many parts of it need the page. */
export const readPage = cache(async (slug: string): Promise<PageView | undefined> => {
  const response = await askBackend(`/api/pages/${encodeURIComponent(slug)}`);
  if (response.status === 404 || response.status === 400) return undefined;
  if (!response.ok) throw new Error(`The backend answered ${response.status} for page "${slug}".`);
  return (await response.json()) as PageView;
});

export function CmsPage({ page }: { page: PageView }) {
  return (
    <article>
      <h1>{page.title}</h1>
      {page.components.map((component, position) => (
        <CmsComponent key={position} component={component} />
      ))}
    </article>
  );
}

/** An unknown type renders nothing: editors of a newer release may have used it, and this frontend may be the older one. */
function CmsComponent({ component: { type, content } }: { component: ComponentView }) {
  switch (type) {
    case "hero":
      return (
        <header>
          <h2>{content["heading"]}</h2>
          <p>{content["text"]}</p>
        </header>
      );
    case "text":
      return <p>{content["text"]}</p>;
    case "image":
      return <img src={`${publicApiUrl()}/api/media/${content["mediaId"]}`} alt={content["alt"] ?? ""} />;
    default:
      return null;
  }
}
