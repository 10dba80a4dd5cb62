import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { orWhenMissing } from "../../operations/image/missing.ts";

/** Says which paths of a build context are left out. Paths are relative, with `/`. */
export interface IgnoreRules {
  excludes(path: string): boolean;
  /** Whether something below an excluded folder may be let in again by a `!` pattern. */
  mayReinclude(folder: string): boolean;
}

/** Reads the ignore file of a Dockerfile: `<dockerfile>.dockerignore` if it is there, else the context's `.dockerignore`. */
export async function readIgnoreRules(context: string, dockerfile: string): Promise<IgnoreRules> {
  for (const path of [`${dockerfile}.dockerignore`, join(context, ".dockerignore")]) {
    const text = await orWhenMissing(readFile(path, "utf8"), undefined);
    if (text !== undefined) return parseIgnoreRules(text);
  }
  return parseIgnoreRules("");
}

/**
 * Patterns as Docker reads them: `*`, `?`, `[...]` within one name, `**` over folders, `!` lets in again, the last match wins, and
 * what lies in an excluded folder is excluded. Source: docs.docker.com/build/concepts/context, ".dockerignore files".
 */
export function parseIgnoreRules(text: string): IgnoreRules {
  const rules = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const again = line.startsWith("!");
      const pattern = clean(again ? line.slice(1) : line);
      return { again, pattern, expression: toExpression(pattern) };
    })
    .filter(({ pattern }) => pattern !== "");
  const exceptions = rules.filter(({ again }) => again).map(({ pattern }) => pattern);

  return {
    excludes(path) {
      const parts = path.split("/");
      const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
      let excluded = false;
      for (const { again, expression } of rules) {
        if (excluded === again && prefixes.some((prefix) => expression.test(prefix))) excluded = !again;
      }
      return excluded;
    },
    mayReinclude(folder) {
      return exceptions.some((pattern) => {
        const fixed = pattern.split(/[*?[]/)[0] ?? "";
        return fixed.startsWith(`${folder}/`) || `${folder}/`.startsWith(fixed);
      });
    },
  };
}

function clean(pattern: string): string {
  return pattern
    .trim()
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

/** A pattern of names as Go's filepath.Match reads it, with `**` for any number of folders. */
export function toExpression(pattern: string): RegExp {
  let source = "";
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at] ?? "";
    if (pattern.startsWith("**/", at)) {
      source += "(?:.*/)?";
      at += 2;
    } else if (pattern.startsWith("**", at)) {
      source += ".*";
      at += 1;
    } else if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "[") {
      const end = pattern.indexOf("]", at + 2);
      if (end < 0) source += "\\[";
      else {
        source += `[${pattern
          .slice(at + 1, end)
          .replace(/^!/, "^")
          .replaceAll("\\", "\\\\")}]`;
        at = end;
      }
    } else if (character === "\\" && at + 1 < pattern.length) {
      at += 1;
      source += escape(pattern[at] ?? "");
    } else source += escape(character);
  }
  return new RegExp(`^${source}$`, "s");
}

function escape(character: string): string {
  return character.replace(/[.*+?^${}()|[\]\\/]/, "\\$&");
}
