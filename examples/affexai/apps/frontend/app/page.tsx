import type { Metadata } from "next";
import Page, { generateMetadata as metadataOf } from "./[slug]/page.tsx";

export const dynamic = "force-dynamic";

const params = Promise.resolve({ slug: "home" });

export function generateMetadata(): Promise<Metadata> {
  return metadataOf({ params });
}

/** The site's first page is the CMS page "home". */
export default function Home() {
  return <Page params={params} />;
}
