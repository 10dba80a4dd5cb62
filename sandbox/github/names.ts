import { GithubError } from "./error.ts";

/**
 * A secret's or variable's name as GitHub keeps it: upper case. Throws 422 for a name that breaks the rules (GitHub Actions,
 * "Using secrets in GitHub Actions: naming your secrets"): letters, digits and underscores, no digit first, no `GITHUB_` in front.
 */
export function checkedName(kind: "Secret" | "Variable", name: string, documentation: string): string {
  const upper = name.toUpperCase();
  if (!/^[A-Z_][A-Z0-9_]*$/.test(upper) || upper.length > 255) {
    throw new GithubError(
      422,
      `${kind} names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).`,
      documentation,
    );
  }
  if (upper.startsWith("GITHUB_")) {
    throw new GithubError(422, `${kind} names must not start with GITHUB_.`, documentation);
  }
  return upper;
}

/** Secrets and variables hold at most 48 KB. */
export const maximumValueBytes = 48 * 1024;
