// Holds a database connection through a tunnel until it is killed, or for a minute. Its argument is the connection's name.
import { setTimeout as delay } from "node:timers/promises";
import { databaseAccess } from "../../../../operations/database/access.ts";
import { withConnection } from "../../../../operations/database/connection.ts";
import { throughTunnel } from "../../../../operations/database/reach.ts";
import { lines } from "../../../../operations/progress-lines.ts";

const [, , applicationName = ""] = process.argv;
const progress = lines((line) => process.stderr.write(`${line}\n`));
await throughTunnel({ env: process.env, progress, signal: new AbortController().signal }, ({ env }) =>
  withConnection(databaseAccess(env, "DATABASE_URL"), { applicationName }, () => delay(60_000)),
);
