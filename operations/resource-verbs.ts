import type { z } from "zod";
import type { Verb } from "./verb.ts";

/** A verb whose module is loaded only when it is run: a command resource starts a process for each. */
type LazyVerb = () => Promise<Verb<z.ZodType, z.ZodType>>;

/** What command resources run: spec on stdin, one JSON line on stdout. `retire` is what `delete` runs. */
export const resourceVerbs: Record<string, Record<string, LazyVerb>> = {
  project: {
    apply: async () => (await import("./coolify/project.ts")).applyProject,
    retire: async () => (await import("./coolify/project.ts")).retireProject,
  },
  postgres: {
    apply: async () => (await import("./coolify/databases.ts")).applyPostgres,
    retire: async () => (await import("./coolify/databases.ts")).retireDatabase,
  },
  redis: {
    apply: async () => (await import("./coolify/databases.ts")).applyRedis,
    retire: async () => (await import("./coolify/databases.ts")).retireDatabase,
  },
  roles: {
    apply: async () => (await import("./database/roles.ts")).applyRoles,
    retire: async () => (await import("./database/roles.ts")).retireRoles,
  },
  migration: {
    run: async () => (await import("./migration/migrate.ts")).runMigration,
    retire: async () => (await import("./migration/migrate.ts")).retireMigration,
  },
  application: {
    apply: async () => (await import("./coolify/application.ts")).applyApplication,
    retire: async () => (await import("./coolify/retire.ts")).retireApplication,
    plan: async () => (await import("./coolify/preview.ts")).planApplications,
  },
  smoke: {
    run: async () => (await import("./release/smoke.ts")).runSmokeTest,
    retire: async () => (await import("./release/retire.ts")).retireHistory,
  },
  ledger: {
    head: async () => (await import("./release/ledger-verbs.ts")).readLedgerHead,
    show: async () => (await import("./release/ledger-verbs.ts")).showRelease,
    record: async () => (await import("./release/record.ts")).recordRelease,
    retire: async () => (await import("./release/retire.ts")).retireHistory,
  },
};
