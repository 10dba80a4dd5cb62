import type { PageView } from "@affexai/shared-types";
import { z } from "zod";
import type { Page } from "./page.entity";

/** What an editor writes. */
export const PageDraft = z.strictObject({
  title: z.string().min(1).max(200),
  published: z.boolean(),
  seoMetadata: z.record(z.string().max(50), z.string().max(500)).default({}),
  components: z
    .array(z.strictObject({ type: z.string().min(1).max(50), content: z.record(z.string(), z.string().max(20_000)) }))
    .max(100),
});
export type PageDraft = z.output<typeof PageDraft>;

/** What a reader sees. */
export function pageView({ slug, title, seoMetadata, components = [] }: Page): PageView {
  return { slug, title, metadata: seoMetadata, components: components.map(({ type, content }) => ({ type, content })) };
}
