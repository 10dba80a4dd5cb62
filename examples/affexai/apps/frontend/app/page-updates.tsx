"use client";

import { useRouter } from "next/navigation";
import { useEffect } from "react";

/** Shows the page again when somebody writes it. EventSource comes back by itself when the replica that it listens to is replaced. */
export function PageUpdates({ apiUrl, slug }: { apiUrl: string; slug: string }) {
  const router = useRouter();
  useEffect(() => {
    const updates = new EventSource(`${apiUrl}/api/updates/stream`);
    updates.addEventListener("page", ({ data }: MessageEvent<string>) => {
      if ((JSON.parse(data) as { slug: string }).slug === slug) router.refresh();
    });
    return () => updates.close();
  }, [apiUrl, slug, router]);
  return null;
}
