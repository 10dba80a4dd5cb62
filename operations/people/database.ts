import type { Command } from "commander";
import { addAnonymiseVerb } from "./anonymise.ts";
import { noun, type Surroundings } from "./surroundings.ts";
import { addVerifyVerb } from "./verify-database.ts";

/** `affexai database ...`. */
export function addDatabaseVerbs(program: Command, surroundings: Surroundings): void {
  const database = noun(program, "database", "a stack's database: what is in it, and copies of it");
  addVerifyVerb(database, surroundings);
  addAnonymiseVerb(database, surroundings);
}
