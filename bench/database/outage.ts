import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";

/** A client that connects, asks, and connects again, as long as `work` runs. Returns the longest time in ms without an answer after a failure. */
export async function longestOutage<T>(url: string, work: () => Promise<T>): Promise<{ outageMs: number; value: T }> {
  const watching = { on: true };
  let outageMs = 0;
  const watch = async () => {
    let failingSince: number | null = null;
    while (watching.on || failingSince !== null) {
      const began = performance.now();
      if (await answers(url)) {
        if (failingSince !== null) outageMs = Math.max(outageMs, performance.now() - failingSince);
        failingSince = null;
      } else failingSince ??= began;
      // Often enough to see a swap, and not so often that the server is busy with it.
      await delay(10);
    }
  };
  const [value] = await Promise.all([work().finally(() => (watching.on = false)), watch()]);
  return { outageMs, value };
}

async function answers(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("SELECT 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
