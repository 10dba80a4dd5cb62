import { isIP } from "node:net";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";

/** A database and who goes there, taken apart from a URL. */
export interface DatabaseAccess {
  /** The variable it came from, for messages. */
  readonly variable: string;
  /** The name that the server's certificate is checked against. */
  readonly host: string;
  /** Where `host` is reached, an IP address: the near end of a tunnel. Looked up unless given. */
  readonly hostAddress?: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: Tls;
}

/** libpq's `sslmode`, without the modes that fall back to plain text. */
export type Tls = { readonly mode: "disable" | "require" | "verify-full"; readonly rootCertificate?: string };

const parameters = ["hostaddr", "sslmode", "sslrootcert"];

/**
 * Reads `postgres://user:password@host:port/database[?sslmode=disable|require|verify-full&sslrootcert=file&hostaddr=ip]` from a variable.
 * Throws an OperationError (usage) that lists everything wrong with it, and never its value.
 */
export function databaseAccess(env: Context["env"], variable: string): DatabaseAccess {
  const value = env[variable];
  if (value === undefined || value === "") throw wrong(variable, ["is not set"]);
  if (!URL.canParse(value)) throw wrong(variable, ["is not a URL"]);
  const url = new URL(value);
  const database = decodeURIComponent(url.pathname.slice(1));
  const mode = url.searchParams.get("sslmode") ?? "disable";
  const rootCertificate = url.searchParams.get("sslrootcert") ?? undefined;
  const hostAddress = url.searchParams.get("hostaddr") ?? undefined;
  const problems = [
    ...(["postgres:", "postgresql:"].includes(url.protocol) ? [] : [`has the scheme ${url.protocol}`]),
    ...(url.hostname === "" ? ["names no host"] : []),
    ...(url.username === "" ? ["names no user"] : []),
    ...(database === "" ? ["names no database"] : []),
    ...(isMode(mode) ? [] : [`has sslmode=${mode}`]),
    ...(hostAddress === undefined || isIP(hostAddress) !== 0 ? [] : [`has hostaddr=${hostAddress}, no IP address`]),
    ...[...url.searchParams.keys()].filter((key) => !parameters.includes(key)).map((key) => `has the parameter ${key}`),
  ];
  if (problems.length > 0 || !isMode(mode)) throw wrong(variable, problems);
  return {
    variable,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    ...(hostAddress === undefined ? {} : { hostAddress }),
    port: url.port === "" ? 5432 : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database,
    tls: { mode, ...(rootCertificate === undefined ? {} : { rootCertificate }) },
  };
}

/** The two roles of a run on one database: the owner of the schema, and the one that reads everything. */
export interface RunAccess {
  readonly migrator: DatabaseAccess;
  readonly backup: DatabaseAccess;
}

/** From DATABASE_URL and BACKUP_DATABASE_URL. */
export function runAccess(env: Context["env"]): RunAccess {
  return { migrator: databaseAccess(env, "DATABASE_URL"), backup: databaseAccess(env, "BACKUP_DATABASE_URL") };
}

/** The same server and user, another database. */
export function onDatabase(access: DatabaseAccess, database: string): DatabaseAccess {
  return { ...access, database };
}

/** The URL again, for a child that takes one in its environment. */
export function databaseUrl({ host, hostAddress, port, user, password, database, tls }: DatabaseAccess): string {
  const url = new URL(`postgres://${host.includes(":") ? `[${host}]` : host}:${port}`);
  url.username = encodeURIComponent(user);
  url.password = encodeURIComponent(password);
  url.pathname = encodeURIComponent(database);
  if (tls.mode !== "disable") url.searchParams.set("sslmode", tls.mode === "require" ? "no-verify" : tls.mode);
  if (tls.rootCertificate !== undefined) url.searchParams.set("sslrootcert", tls.rootCertificate);
  if (hostAddress !== undefined) url.searchParams.set("hostaddr", hostAddress);
  return url.href;
}

/** Where a database is, for people. */
export function placeOf({ host, hostAddress, port }: DatabaseAccess): string {
  return hostAddress === undefined ? `${host}:${port}` : `${host} (by ${hostAddress}:${port})`;
}

function isMode(mode: string): mode is Tls["mode"] {
  return mode === "disable" || mode === "require" || mode === "verify-full";
}

function wrong(variable: string, problems: readonly string[]): OperationError {
  return new OperationError("usage", {
    where: variable,
    what: `${problems.join(", ")}.`,
    next: "Set it to postgres://user:password@host:port/database, with sslmode=disable, require or verify-full if needed.",
  });
}
