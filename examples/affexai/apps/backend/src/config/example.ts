import { documentation, Environment } from "./schema";

/** The text of .env.example, made from the schema: what the one says, the other checks. */
export function environmentExample(): string {
  const lines = [
    "# The backend's configuration. Copy to .env.local and fill in. Secrets have no default anywhere.",
    "# Made from src/config/schema.ts by `npm run env:example`; do not edit.",
  ];
  let section: string | undefined;
  for (const [name, schema] of Object.entries(Environment.shape)) {
    const about = documentation.get(schema);
    if (about === undefined) throw new Error(`${name}: is not documented. Describe it in src/config/schema.ts.`);
    if (about.section !== section) lines.push("", `# ${about.section}`);
    section = about.section;
    lines.push(`# ${about.about}`, `${about.optional === true ? "# " : ""}${name}=${about.example}`);
  }
  return `${lines.join("\n")}\n`;
}
