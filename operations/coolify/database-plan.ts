import type { z } from "zod";
import type { Database } from "./answers.ts";
import { compareWithRecord, type DeclaredDatabase, type DifferingField } from "./database-comparison.ts";
import { isOurs, ownerIn } from "./ownership.ts";

/** A database as it is declared, and whose it is. */
export interface WantedDatabase extends DeclaredDatabase {
  readonly owner: string;
}

/** One way in which a database is not as declared; values of passwords are never in it. */
export interface DatabaseDifference {
  /** After the database's name: `has the public port 5432`. */
  readonly what: string;
  /** What to do about it; nothing of it is done by `apply`. */
  readonly next: string;
}

type Actual = z.output<typeof Database>;

/**
 * What of a database differs from what is declared. Pure. A running database is never changed by us: another image, user, name or
 * password takes a restart, and for data that is there much more than a new setting. What a token may not see is left out.
 */
export function planDatabase(wanted: WantedDatabase, actual: Actual): readonly DatabaseDifference[] {
  const { differing, open } = compareWithRecord(wanted, actual);
  return [
    ...ofOwner(wanted, actual),
    ...differing.flatMap((one) => (one.name === "image" ? ofImage(wanted, one) : ofField(one))),
    ...(open === null ? [] : [ofReach(open)]),
  ];
}

function ofOwner({ owner }: WantedDatabase, actual: Actual): DatabaseDifference[] {
  const other = ownerIn(actual.description);
  if (other === null || isOurs(actual, owner)) return [];
  return [
    {
      what: `belongs to ${other}`,
      next: "Declare another name or environment, or give it up there first (its description in Coolify says whose it is).",
    },
  ];
}

function ofImage({ kind }: WantedDatabase, { declared, found }: DifferingField): DatabaseDifference[] {
  if (typeof found !== "string" || found === "") return [];
  const [from, to] = [majorOf(found), majorOf(declared)];
  const major = from !== null && to !== null && from !== to;
  return [
    {
      what: major ? `runs ${found}, another major version than ${declared}` : `runs ${found} instead of ${declared}`,
      next:
        major && kind === "postgresql"
          ? "A new major version of PostgreSQL does not read the old one's files: declare a second database of another name, move the data by a backup and a restore, then declare the new one."
          : "Declare what it has, or change the image in Coolify and restart it there in a maintenance window.",
    },
  ];
}

/** `postgres:16-alpine` is 16, `redis:7.2` is 7. */
function majorOf(image: string): string | null {
  return /:(?:v|pg)?(\d+)/i.exec(image.replace(/^.*\//, ""))?.[1] ?? null;
}

function ofField({ name, declared, found, secret }: DifferingField): DatabaseDifference[] {
  if (typeof found !== "string") return [];
  if (secret) {
    return [
      {
        what: "has another password",
        next: "Bring the one that it was made with back into the stack: a new one in Coolify does not change the role in data that is there.",
      },
    ];
  }
  return [{ what: `has ${name} ${found} instead of ${declared}`, next: "Declare what it has: it was made with it." }];
}

function ofReach({ port }: { readonly port: string | null }): DatabaseDifference {
  return {
    what: `is open to the internet${port ? ` at port ${port}` : ""}`,
    next: 'Turn off "Make it publicly available" in Coolify; from outside it is reached through ssh (the setting `database.reach`).',
  };
}

/** Coolify calls a container healthy while it starts: what needs the database has to wait for an answer of its own. */
export function runs({ status }: { readonly status?: string | null | undefined }): boolean {
  return /^running:healthy/.test(status ?? "");
}

/** It runs, or is about to: there is nothing to start. */
export function isUp({ status }: { readonly status?: string | null | undefined }): boolean {
  return /^(running|starting|restarting)/.test(status ?? "");
}
