import type { Log } from "./log.ts";

/** Something that somebody has to look at. */
export interface Page {
  /** Who noticed: the agent's job. */
  readonly job: string;
  readonly summary: string;
  /** What to do now. */
  readonly next: string;
}

/** Tells people: a line of level `error`, and where there is a URL a POST of `{environment, at, job, summary, next}` as JSON. Never throws. */
export type Pager = (page: Page) => Promise<void>;

const limitMs = 10_000;

export function pager(
  { environment, pageUrl }: { environment: string; pageUrl: string | undefined },
  log: Log,
  count: (told: boolean) => void,
): Pager {
  return async (page) => {
    log.error(page.summary, { job: page.job, next: page.next, page: true });
    if (pageUrl === undefined) return count(true);
    try {
      const response = await fetch(pageUrl, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ environment, at: new Date().toISOString(), ...page }),
        signal: AbortSignal.timeout(limitMs),
      });
      await response.body?.cancel();
      if (!response.ok) log.error(`the page was answered with ${response.status}`, { job: page.job });
      count(response.ok);
    } catch (error) {
      log.error("the page reached nobody", {
        job: page.job,
        reason: error instanceof Error ? error.message : String(error),
      });
      count(false);
    }
  };
}
