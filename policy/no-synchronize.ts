import { CoolifyApplication } from "../components/coolify-application.ts";
import { DatabaseMigration } from "../components/database-migration.ts";
import { TypeormOptions } from "../operations/release/spec.ts";
import { judge, objectAt, rule } from "./judge.ts";

const altersTheSchema = /SYNCHRONIZE|DROP_?SCHEMA|MIGRATIONS_?RUN/i;
const off = ["false", "0", "no", "off"];

/** With `synchronize`, a start of the application drops the columns that its code no longer names, with their data. */
export const noSynchronize = rule(
  {
    name: "no-synchronize",
    description: "The schema changes by guarded migrations only, never by a start of the application.",
    severity: "critical",
    remediationSteps:
      "Set the variable to false, and build the image with synchronize, dropSchema and migrationsRun off.",
  },
  judge(CoolifyApplication, (props, refuse) => {
    for (const group of ["variables", "secretVariables"]) {
      const variables = objectAt(props, group);
      for (const name of Object.keys(variables).filter((key) => altersTheSchema.test(key))) {
        const value = variables[name];
        if (typeof value !== "string" || !off.includes(value.trim().toLowerCase())) {
          refuse(`${group}.${name} must be one of ${off.join(", ")}.`);
        }
      }
    }
  }),
  judge(DatabaseMigration, (props, refuse) => {
    const options = TypeormOptions.safeParse(objectAt(props, "record")["typeorm"]);
    if (!options.success) return refuse("record.typeorm must say which TypeORM options were found in the image.");
    for (const [option, on] of Object.entries(options.data)) {
      if (on) refuse(`record.typeorm.${option} must be false: the image would change the schema at start.`);
    }
  }),
);
