import { type Between, standBetween } from "./stand-between.ts";

/** ReadyForQuery in the state idle: the last message of PostgreSQL's start-up. */
const ready = Buffer.from("Z\0\0\0\x05I", "latin1");
/** PostgreSQL 15, protocol 3.0: ErrorResponse with severity, SQLSTATE and text, as pg_terminate_backend causes it. */
const terminated = errorResponse({
  S: "FATAL",
  V: "FATAL",
  C: "57P01",
  M: "terminating connection due to administrator command",
});

export interface DoomedSessions extends Between {
  /** Cuts every session, and ends the next `count` that are made in the packet that says that they are made. */
  endNext(count: number): void;
  /** How many of those are still to come. */
  readonly left: number;
}

/** Stands between an application and PostgreSQL, so that a session can end in the same moment in which it is made. */
export async function doomedSessions(databaseUrl: string): Promise<DoomedSessions> {
  let left = 0;
  const between = await standBetween(databaseUrl, (application, database) => {
    application.pipe(database);
    database.on("data", (chunk) => {
      if (left > 0 && chunk.subarray(-ready.length).equals(ready)) {
        left -= 1;
        application.end(Buffer.concat([chunk, terminated]));
        database.destroy();
      } else application.write(chunk);
    });
  });
  return {
    ...between,
    endNext(count) {
      left = count;
      between.cut();
    },
    get left() {
      return left;
    },
  };
}

function errorResponse(fields: Readonly<Record<string, string>>): Buffer {
  const body = Buffer.concat([
    ...Object.entries(fields).map(([type, value]) => Buffer.from(`${type}${value}\0`, "latin1")),
    Buffer.from([0]),
  ]);
  const head = Buffer.alloc(5);
  head.write("E", "latin1");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
