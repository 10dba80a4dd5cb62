import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";

/**
 * A client that connects, asks, and connects again, as long as `work` runs. Returns the longest time in ms between two answers: what a
 * user would wait, whether the server refused in between or only took its time.
 */
export async function longestOutage<T>(url: string, work: () => Promise<T>): Promise<{ outageMs: number; value: T }> {
  const watching = { on: true };
  let outageMs = 0;
  const watch = async () => {
    let last = performance.now();
    while (watching.on) {
      if (await answers(url)) {
        outageMs = Math.max(outageMs, performance.now() - last);
        last = performance.now();
      }
      // Often enough to see a swap, and not so often that the server is busy with it.
      await delay(10);
    }
    outageMs = Math.max(outageMs, performance.now() - last);
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
