import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import pg from "pg";
import { OperationError, type FailureKind } from "../error.ts";
import { placeOf, type DatabaseAccess } from "./access.ts";

/**
 * Settings under which a value always has the same text, whatever the server's or the role's defaults: what fingerprints, content
 * hashes and dumps are made under.
 */
const canonicalSettings = {
  search_path: "pg_catalog",
  TimeZone: "UTC",
  DateStyle: "ISO,MDY",
  IntervalStyle: "postgres",
  extra_float_digits: "3",
  bytea_output: "hex",
};

export interface ConnectionOptions {
  /** Shown in pg_stat_activity; at most 63 bytes. */
  readonly applicationName: string;
  /** Server settings of the session, for example `{ lock_timeout: "5s" }`. Values hold no spaces. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * Connects. The caller ends the client. The session has the canonical settings and may write even while the database is frozen.
 * Not for a pooler in transaction mode: settings and advisory locks belong to the session.
 * Errors: unreachable (network, name, server starting, no free connection), refused (password, missing database, no right to connect).
 */
export async function connect(access: DatabaseAccess, options: ConnectionOptions): Promise<pg.Client> {
  const settings = { ...canonicalSettings, default_transaction_read_only: "off", ...options.settings };
  const client = new pg.Client({
    host: access.hostAddress ?? access.host,
    port: access.port,
    user: access.user,
    password: access.password,
    database: access.database,
    ssl: ssl(access),
    application_name: options.applicationName,
    options: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(" "),
    connectionTimeoutMillis: 15_000,
    keepAlive: true,
  });
  // A connection that breaks while idle is reported by the next query; without a listener it would end the process.
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw connectionError(access, error);
  }
  return client;
}

/** Connects for the length of `work`. What the server answers with an error is an OperationError (failed) with its SQLSTATE. */
export async function withConnection<T>(
  access: DatabaseAccess,
  options: ConnectionOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return useConnection(access, await connect(access, options), work);
}

/** The same on a connection that is there; it is closed afterwards. */
export async function useConnection<T>(
  access: DatabaseAccess,
  client: pg.Client,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  try {
    return await work(client);
  } catch (error) {
    throw serverError(access, error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * What PostgreSQL's programs are started with: the whole access by environment, nothing by argument. The host's address is looked up
 * here, so that pg_dump sees the names that Node sees (a VPN's, a hosts file's of our own). Variables that would redirect libpq are
 * unset.
 */
export async function libpqEnvironment(
  access: DatabaseAccess,
  applicationName: string,
): Promise<Record<string, string | undefined>> {
  return {
    PGHOST: access.host,
    PGHOSTADDR: await address(access),
    PGPORT: `${access.port}`,
    PGUSER: access.user,
    PGPASSWORD: access.password,
    PGDATABASE: access.database,
    PGAPPNAME: applicationName,
    PGCONNECT_TIMEOUT: "15",
    PGSSLMODE: access.tls.mode,
    PGSSLROOTCERT: access.tls.rootCertificate,
    PGOPTIONS: "-c default_transaction_read_only=off",
    PGSERVICE: undefined,
    PGSERVICEFILE: undefined,
    PGPASSFILE: undefined,
    PGTARGETSESSIONATTRS: undefined,
  };
}

async function address(access: DatabaseAccess): Promise<string> {
  if (access.hostAddress !== undefined) return access.hostAddress;
  try {
    return (await lookup(access.host)).address;
  } catch (error) {
    throw connectionError(access, error);
  }
}

function ssl({ host, tls }: DatabaseAccess): pg.ClientConfig["ssl"] {
  if (tls.mode === "disable") return false;
  const ca = tls.rootCertificate === undefined ? {} : { ca: readFileSync(tls.rootCertificate, "utf8") };
  // The certificate is the host's, also when the connection goes to another address.
  const name = isIP(host) === 0 ? { servername: host } : { host };
  return { rejectUnauthorized: tls.mode === "verify-full", ...name, ...ca };
}

/** Words what the server refused, or a connection that broke, for people; passes everything else on. */
export function serverError(access: DatabaseAccess, error: unknown): unknown {
  if (error instanceof OperationError) return error;
  const where = `database ${access.database}`;
  const broken =
    error instanceof Error && /^(Connection terminated|Client has encountered a connection error)/.test(error.message);
  const code = errorCode(error);
  // 57P01 to 57P03: ended by an administrator, or the server is going down.
  if (broken || code === "ECONNRESET" || code === "EPIPE" || code?.startsWith("57P") === true) {
    return new OperationError(
      "unreachable",
      {
        where,
        what: `the connection to ${placeOf(access)} broke: ${error instanceof Error ? error.message : code}.`,
        next: "Run again when the server answers: it goes on from where this run stood.",
      },
      { cause: error },
    );
  }
  if (!(error instanceof pg.DatabaseError)) return error;
  return new OperationError(
    "failed",
    {
      where,
      what: `${error.message} (SQLSTATE ${error.code ?? "unknown"}).`,
      next: "Correct what the server says and run again, which goes on from where it stood.",
    },
    { cause: error },
  );
}

/** SQLSTATE of a PostgreSQL error, or the code of a network error. */
export function errorCode(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors[0]);
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

// https://www.postgresql.org/docs/15/errcodes-appendix.html
const connectionFailures: Record<string, { kind: FailureKind; next: string }> = {
  "28P01": { kind: "refused", next: "Correct the user or password in it." },
  "28000": { kind: "refused", next: "Allow this user from this address in pg_hba.conf, or turn TLS on with sslmode." },
  "42501": { kind: "refused", next: "Run `affexai roles apply`, which grants the right to connect." },
  "3D000": { kind: "refused", next: "Run `affexai roles apply`, or correct the database's name." },
  "55000": {
    kind: "refused",
    next: "The database is closed to connections: a restore is swapping it, or was killed there.",
  },
  "57P03": { kind: "unreachable", next: "The server is starting or shutting down; run again when it is up." },
  "53300": { kind: "unreachable", next: "All connections are taken; end some, or raise max_connections." },
};

function connectionError(access: DatabaseAccess, error: unknown): OperationError {
  const message = error instanceof AggregateError ? String(error.errors[0]) : String(error);
  const known = connectionFailures[errorCode(error) ?? ""] ?? {
    kind: "unreachable" as const,
    next: "Check the address, the network (VPN or tunnel) and that the server runs, then run again.",
  };
  return new OperationError(
    known.kind,
    {
      where: access.variable,
      what: `connecting to ${placeOf(access)}/${access.database} as ${access.user} failed: ${message.replace(/^\w*Error: /i, "")}.`,
      next: known.next,
    },
    { cause: error },
  );
}
