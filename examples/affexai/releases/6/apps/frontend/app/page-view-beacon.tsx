"use client";

import { useEffect } from "react";

/** Tells the backend that a browser showed this page, and in which language its user reads. Probes and crawlers without scripts do not count. */
export function PageViewBeacon({ apiUrl, slug }: { apiUrl: string; slug: string }) {
  useEffect(() => {
    const body = JSON.stringify({ name: "page_view", properties: { slug, language: navigator.language } });
    fetch(`${apiUrl}/api/analytics/events`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
      keepalive: true,
    }).catch(() => undefined);
  }, [apiUrl, slug]);
  return null;
}
