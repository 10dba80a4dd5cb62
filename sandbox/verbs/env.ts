import { sandboxEnvironment } from "./environment.ts";

/** `sandboxEnvironment` as lines for a POSIX shell: `eval "$(./affexai sandbox env)"`. */
export async function sandboxExports(): Promise<string> {
  return toExports(await sandboxEnvironment());
}

/** Variables as `export` lines in which the shell expands nothing. */
export function toExports(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", String.raw`'\''`)}'`)
    .join("\n");
}
