import { z } from "zod";
import { DatabaseMigration } from "../components/database-migration.ts";
import { type MigrationFinding, MigrationRecord, VerifiedRelease } from "../operations/release/spec.ts";
import { judge, objectAt, rule } from "./judge.ts";

const Judged = z.object({ maintenance: z.boolean(), migrations: z.array(MigrationRecord) });

/**
 * What the run itself would refuse, before anything of the release has begun. A preview does not ask the database: pending is what the
 * release before lacks. All of a first release is, because nobody knows yet whether its database holds data.
 */
export const migrationDeclared = rule(
  {
    name: "migration-declared",
    description:
      "What a migration takes from the data or from the running code is declared, and what it does is known.",
    severity: "critical",
    remediationSteps:
      "Split the release (expand first, contract later), declare `maintenance: true` in it, or rehearse it on a backup.",
  },
  judge(DatabaseMigration, (props, refuse) => {
    const record = Judged.safeParse(objectAt(props, "record"));
    if (!record.success) return refuse("record must say what its migrations do, and whether it declares maintenance.");
    const known = z.object({ previous: VerifiedRelease.nullable() }).safeParse({ previous: props["previous"] });
    if (!known.success) return refuse("previous must name the release before with its migrations, or be null.");
    const { previous } = known.data;
    const { maintenance, migrations } = record.data;
    for (const migration of migrations.filter(({ name }) => previous?.migrations.includes(name) !== true)) {
      for (const { name, why } of problems(migration, { maintenance, first: previous === null }))
        refuse(`${migration.name} ${name}: ${why}`);
    }
  }),
);

interface Release {
  readonly maintenance: boolean;
  readonly first: boolean;
}

function problems(migration: MigrationRecord, { maintenance, first }: Release): { name: string; why: string }[] {
  const { findings, rehearsal } = migration;
  const forbidden = findings.filter((finding) => finding.forbidden && finding.class !== "DESTROYS");
  // Before a first release there is no backup; the run looks whether there are rows to rehearse on.
  const isKnown = migration.class !== "OPAQUE" || (rehearsal !== null && (first || rehearsal.backup !== null));
  const fatal = migration.class === "BREAKS" || migration.class === "DESTROYS";
  return [
    ...(forbidden.length === 0 ? [] : [{ name: "must not run", why: told(forbidden) }]),
    ...(isKnown
      ? []
      : [
          {
            name: `must be rehearsed${first ? "" : " on a backup"}`,
            why: told(findings.filter((finding) => finding.class === "OPAQUE")),
          },
        ]),
    ...(fatal && !maintenance
      ? [
          {
            name: "needs `maintenance: true` in the release",
            why: told(findings.filter((finding) => finding.class === "BREAKS" || finding.class === "DESTROYS")),
          },
        ]
      : []),
  ];
}

function told(findings: readonly MigrationFinding[]): string {
  return findings.map((finding) => `${finding.class}: ${finding.message} ${finding.remedy}`).join(" ");
}
