import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { publicApiUrl } from "../../lib/backend.ts";
import { CmsPage, readPage } from "../../lib/cms.tsx";
import { PageUpdates } from "../page-updates.tsx";
import { PageViewBeacon } from "../page-view-beacon.tsx";

export const dynamic = "force-dynamic";

interface Properties {
  params: Promise<{ slug: string }>;
}

export async function generateMetadata({ params }: Properties): Promise<Metadata> {
  const page = await readPage((await params).slug);
  return page === undefined ? {} : { title: page.title, other: page.metadata };
}

export default async function Page({ params }: Properties) {
  const page = await readPage((await params).slug);
  if (page === undefined) notFound();
  return (
    <>
      <CmsPage page={page} />
      <PageViewBeacon apiUrl={publicApiUrl()} slug={page.slug} />
      <PageUpdates apiUrl={publicApiUrl()} slug={page.slug} />
    </>
  );
}
