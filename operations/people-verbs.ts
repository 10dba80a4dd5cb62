import { Command } from "commander";
import { addAgentVerbs } from "./people/agent.ts";
import { addBackupVerbs } from "./people/backup.ts";
import { addDriftVerb } from "./people/drift.ts";
import { addFreezeVerbs } from "./people/freeze.ts";
import { addDatabaseVerbs } from "./people/database.ts";
import { addDoctorVerb } from "./people/doctor.ts";
import { addMaintenanceVerbs } from "./people/maintenance.ts";
import { addMigrationVerbs } from "./people/migration.ts";
import { addReleaseVerbs } from "./people/release.ts";
import { addRollbackVerb } from "./people/rollback.ts";
import { addSandboxVerbs } from "./people/sandbox.ts";
import type { Surroundings } from "./people/surroundings.ts";

/** What `./affexai` itself runs: sources that only a clone has. */
const launcherVerbs = `
By ./affexai only:
  test [kind...]   types, lint, format and all tests; or of check, unit, integration, scenarios those named
  bench <name>     measured claims, each beside a rival
  setup            installs what is missing, and nothing else`;

/** The verbs that people and CI run. A wrong verb or option is answered with the right ones. */
export function peopleVerbs(surroundings: Surroundings): Command {
  const program = new Command("affexai")
    .description("Delivers Affexai to Coolify: releases, guarded migrations, honest rollbacks.")
    .showHelpAfterError()
    .exitOverride();
  addReleaseVerbs(program, surroundings);
  addMigrationVerbs(program, surroundings);
  addRollbackVerb(program, surroundings);
  addDriftVerb(program, surroundings);
  addBackupVerbs(program, surroundings);
  addAgentVerbs(program, surroundings);
  addFreezeVerbs(program, surroundings);
  addDatabaseVerbs(program, surroundings);
  addDoctorVerb(program, surroundings);
  addMaintenanceVerbs(program, surroundings);
  addSandboxVerbs(program, surroundings);
  program.addHelpText("after", launcherVerbs);
  return program;
}
