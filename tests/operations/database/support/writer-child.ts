// An application that writes all the time: one row after the other, and a line for each that the server acknowledged.
import { writeSync } from "node:fs";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";

const pool = new pg.Pool({ connectionString: await text(process.stdin), max: 2, connectionTimeoutMillis: 2000 });
pool.on("error", () => undefined);
for (let number = 1; ; number += 1) {
  try {
    await pool.query("INSERT INTO written (number) VALUES ($1)", [number]);
    writeSync(1, `${number}\n`);
  } catch {
    // Refused, or cut off: then nobody knows, and the application must not count on it.
    await delay(10);
  }
}
