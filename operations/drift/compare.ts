import { createHmac, randomBytes } from "node:crypto";
import { z } from "zod";
import { CoolifyClient } from "../coolify/client.ts";
import { declaredPostgres, declaredRedis } from "../coolify/database-comparison.ts";
import type { Comparison, Mask } from "../coolify/differences.ts";
import { readEnvironment, type EnvironmentView } from "../coolify/probe.ts";
import { ApplicationSpec, DatabaseResult, Placement, PostgresSpec, ProjectSpec, RedisSpec } from "../coolify/spec.ts";
import { throughTunnel } from "../database/reach.ts";
import { RolesSpec } from "../database/spec.ts";
import { OperationError } from "../error.ts";
import { Ledger } from "../release/ledger.ts";
import { LedgerEntrySpec } from "../release/spec.ts";
import { objectStorage } from "../storage.ts";
import type { Context } from "../verb.ts";
import { compareApplication } from "./compare-application.ts";
import { compareDatabase } from "./compare-database.ts";
import { compareLedger } from "./compare-ledger.ts";
import { comparePlace } from "./compare-place.ts";
import { compareRoles } from "./compare-roles.ts";
import type { Managed, StackState } from "./managed.ts";
import { look, type Looked, type Part } from "./part.ts";
import { repairOf } from "./repairs.ts";
import type { DriftReport } from "./spec.ts";
import { compareSurplus, type DeclaredAs } from "./surplus.ts";

/** What no part looks at, said once. */
const neverObserved: DriftReport["unobserved"] = [
  { part: "applications", what: "storages, scheduled tasks and tags", reason: "each takes a request of its own" },
  {
    part: "applications",
    what: "the priority of a router",
    reason: "it counts the definitions there were, and is kept as it is",
  },
  { part: "database", what: "schema and rows", reason: "`affexai database verify` looks at them" },
];

/**
 * Compares everything that the command resources of a stack manage with what there is, and `others`, the parts that somebody else
 * manages. Parts are looked at together; a failing one keeps no other from it.
 */
export async function compareStack(
  stack: string,
  state: StackState,
  others: readonly Part[],
  context: Context,
): Promise<DriftReport> {
  const applications = state.managed.filter(({ noun }) => noun === "application");
  // One that cannot be read is told by its own part.
  const declared = applications.flatMap(({ resource, spec }) => {
    const parsed = ApplicationSpec.safeParse(spec);
    return parsed.success ? [{ resource, spec: parsed.data }] : [];
  });
  const asker = coolifyAsker(context);
  const parts = [...state.managed.flatMap((one) => readableParts(one, () => partsOf(one, asker, context))), ...others];
  const looked: Looked[] = await Promise.all(parts.map((part) => look(part, context.signal)));
  const surplus = await surplusOf(declared, asker);
  const differences = looked.flatMap((one) =>
    "comparison" in one
      ? one.comparison.differences.map((difference) => ({ ...difference, resource: one.part.resource }))
      : [],
  );
  const all = [...differences, ...surplus.differences];
  const unchecked = [
    ...looked.flatMap((one) => ("reason" in one ? [{ part: one.part.title, reason: one.reason }] : [])),
    ...state.interrupted.map((name) => ({
      part: name,
      reason: "its last operation was cut off: what it did is not known. `pulumi up` goes on from there.",
    })),
  ];
  return {
    stack,
    checkedAt: new Date().toISOString(),
    outcome: all.length > 0 ? "drift" : unchecked.length > 0 ? "could-not-check" : "clean",
    checked: looked.flatMap((one) => ("comparison" in one ? [one.part.title] : [])),
    differences: all.map((one) => ({ ...one, repair: repairOf(one) })),
    unchecked,
    unobserved: [...looked.flatMap((one) => ("comparison" in one ? one.comparison.unobserved : [])), ...neverObserved],
    repaired: [],
    unmanaged: surplus.unmanaged,
  };
}

/** Asks Coolify, each environment once for all parts. */
interface Asker {
  readonly coolify: () => CoolifyClient;
  readonly environment: (placement: Placement) => Promise<EnvironmentView | null>;
  readonly mask: Mask;
}

function coolifyAsker(context: Context): Asker {
  const key = randomBytes(16);
  const environments = new Map<string, Promise<EnvironmentView | null>>();
  let client: CoolifyClient | undefined;
  const coolify = () => (client ??= new CoolifyClient(context));
  return {
    coolify,
    async environment(placement) {
      const name = `${placement.projectUuid} ${placement.environmentName}`;
      const asked = environments.get(name) ?? readEnvironment(coolify(), placement);
      environments.set(name, asked);
      return asked;
    },
    // Keyed anew in each run: a short secret could be found from a plain hash by trying.
    mask: (text) => `#${createHmac("sha256", key).update(text).digest("hex").slice(0, 8)}`,
  };
}

/** The state may be older than the program: a spec that no longer fits its schema is told, and keeps no other part from being looked at. */
function readableParts({ resource }: Managed, parts: () => Part[]): Part[] {
  try {
    return parts();
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const unreadable = new OperationError("refused", {
      where: `${resource} in the state`,
      what: `was declared by another version:\n${z.prettifyError(error)}\n`,
      next: "Run `pulumi up` with this version.",
    });
    return [{ resource, title: resource, look: () => Promise.reject(unreadable) }];
  }
}

function partsOf({ resource, noun, spec, env, result }: Managed, asker: Asker, context: Context): Part[] {
  const here = { ...context, env: { ...context.env, ...env } };
  const there = async (placement: Placement) => {
    const environment = await asker.environment(placement);
    if (environment === null) throw placeGone(placement);
    return { coolify: asker.coolify(), environment, mask: asker.mask };
  };
  const part = (title: string, compare: () => Promise<Comparison>): Part[] => [{ resource, title, look: compare }];
  switch (noun) {
    case "project": {
      const [project, placement] = [ProjectSpec.parse(spec), Placement.parse(result)];
      return part(`project ${project.name}`, async () => {
        const environment = await asker.environment(placement);
        return comparePlace(project, placement, { coolify: asker.coolify(), environment });
      });
    }
    case "postgres":
    case "redis": {
      const { uuid } = DatabaseResult.parse(result);
      const [place, declared] =
        noun === "postgres"
          ? [
              PostgresSpec.parse(spec).placement,
              declaredPostgres(PostgresSpec.parse(spec), env["POSTGRES_PASSWORD"] ?? ""),
            ]
          : [RedisSpec.parse(spec).placement, declaredRedis(RedisSpec.parse(spec), env["REDIS_PASSWORD"] ?? "")];
      return part(`${declared.kind} ${declared.name}`, async () => compareDatabase(declared, uuid, await there(place)));
    }
    case "roles": {
      const roles = RolesSpec.parse(spec);
      return part(`roles of ${roles.database}`, () => throughTunnel(here, (reached) => compareRoles(roles, reached)));
    }
    case "application": {
      const application = ApplicationSpec.parse(spec);
      return part(`application ${application.name}`, async () =>
        compareApplication(application, await there(application.placement), here),
      );
    }
    case "ledger": {
      const entry = LedgerEntrySpec.parse(spec);
      return part(`ledger of ${entry.ledger.environment}`, async () =>
        compareLedger(entry, new Ledger(objectStorage(context.env), entry.ledger)),
      );
    }
    default:
      // A migration and a smoke test are deeds: what is left of them is in the database and in the ledger.
      return [];
  }
}

async function surplusOf(declared: readonly DeclaredAs[], { environment }: Asker) {
  const [first] = declared;
  // What the environment could not be asked about is told by each application's own part.
  const seen = first === undefined ? null : await environment(first.spec.placement).catch(() => null);
  return seen === null ? { differences: [], unmanaged: [] } : compareSurplus(declared, seen);
}

function placeGone({ environmentName }: Placement): OperationError {
  return new OperationError("failed", {
    where: `environment ${environmentName}`,
    what: "does not exist on Coolify, or belongs to another team than the token's.",
    next: "Check COOLIFY_URL and COOLIFY_TOKEN; `pulumi up` makes what is gone.",
  });
}
