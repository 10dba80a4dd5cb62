import type { MigrationFinding, MigrationRecord } from "../release/spec.ts";
import type { Context } from "../verb.ts";
import { classifyMigrations, withFindings } from "./classify.ts";
import { expectedChanges } from "./expectations.ts";
import { withRemedy } from "./finding.ts";
import type { ImageDescription } from "./image-runner.ts";
import { lintImage } from "./lint/lint.ts";
import { lintWithSquawk } from "./lint/squawk.ts";
import { lostByUp } from "./rehearsal/lost-by-up.ts";
import type { Rehearsed } from "./rehearsal/rehearse.ts";
import { judgeRoundTrip } from "./rehearsal/round-trip.ts";

/** The oldest major version that squawk's advice has to hold for. */
const serverMajor = 15;

/** The migrations of an image with everything that is to be said about them. */
export interface JudgedMigrations {
  readonly migrations: readonly MigrationRecord[];
  /** About the release as a whole. */
  readonly findings: readonly MigrationFinding[];
}

/**
 * Puts together what the image says, PostgreSQL's grammar, the rules, squawk, and the rehearsal if there was one. A rehearsed migration is
 * judged by the statements that it really ran.
 */
export async function judgeMigrations(
  description: ImageDescription,
  rehearsed: Rehearsed | null,
  context: Context,
): Promise<JudgedMigrations> {
  const { transactionMode, typeorm } = description;
  const recorded = description.migrations.map((migration) => ({
    ...migration,
    statements: [...(rehearsed?.migrations.get(migration.name)?.statements ?? migration.statements)],
  }));
  const classified = await classifyMigrations(recorded);
  const found = await lintImage({ migrations: classified, transactionMode, typeorm });
  const squawked = await lintWithSquawk(classified, serverMajor, context);
  if (squawked === null) context.progress.note("squawk is not installed for this platform; its rules were left out");
  found.push(...(squawked ?? []), ...rehearsalFindings(classified, rehearsed));
  const migrations = classified.map((migration) => {
    const own = found.filter((one) => one.migration === migration.name).map(({ finding }) => finding);
    return prove(withFindings(migration, own), rehearsed);
  });
  return { migrations, findings: found.filter((one) => one.migration === null).map(({ finding }) => finding) };
}

/** The migration with what its rehearsal has shown. */
function prove(migration: MigrationRecord, rehearsed: Rehearsed | null): MigrationRecord {
  const seen = rehearsed?.migrations.get(migration.name);
  if (seen === undefined) return migration;
  const rehearsal = { ...seen.rehearsal };
  const judged = withFindings(migration, lostByUp(seen.contents, expectedChanges([migration])));
  const { proven, findings } = judgeRoundTrip(seen.roundTrip, { class: judged.class, rehearsal });
  return { ...withFindings(judged, findings), rehearsal, downProven: proven };
}

function rehearsalFindings(
  migrations: readonly MigrationRecord[],
  rehearsed: Rehearsed | null,
): { migration: string | null; finding: MigrationFinding }[] {
  if (rehearsed === null) return [];
  const { failure, unmade } = rehearsed;
  return [
    ...(failure === null
      ? []
      : [
          {
            migration: failure.migration,
            finding: withRemedy(
              {
                rule: "rehearsal-failed",
                class: "BREAKS",
                text: `It failed on the rehearsal: ${failure.message.replace(/\.?$/, ".")}`,
                forbidden: true,
              },
              null,
            ),
          },
        ]),
    ...unmade.map((reason) => ({
      migration: migrations.at(-1)?.name ?? null,
      finding: withRemedy(
        {
          rule: "synchronize-leftover",
          class: "WARN",
          text: `No migration makes what the entities map: ${reason}`,
        },
        null,
      ),
    })),
  ];
}
