import { interpolate } from "./interpolate.ts";

/**
 * Reads an .env file as docker compose does (compose-go, dotenv/parser.go): single-quoted values are taken literally up to the next
 * unescaped quote, double-quoted ones get escapes and variables, unquoted ones end at the line or at ` #` and get variables. What follows
 * a closing quote is read as the next statement, so a literal value with a quote inside is an error, as in Coolify.
 * Throws with compose's sentence.
 */
export function parseDotenv(source: string): Map<string, string> {
  const values = new Map<string, string>();
  let rest = skipBlank(source.replaceAll("\r\n", "\n"));
  while (rest !== "") {
    const { key, after } = readKey(rest);
    const { value, after: next } = readValue(after, values);
    values.set(key, value);
    rest = skipBlank(next);
  }
  return values;
}

/** Skips white space and comment lines. */
function skipBlank(source: string): string {
  return source.replace(/^(?:\s+|#[^\n]*(?:\n|$))+/, "");
}

function readKey(source: string): { key: string; after: string } {
  const text = source.replace(/^export\s+/, "");
  const match = /^([^=:\n]*)([=:])/.exec(text);
  const name = match?.[1]?.trim() ?? "";
  const bad = /[^A-Za-z0-9_.[\]-]/.exec(match === null ? (text.split("\n")[0] ?? "") : name)?.[0];
  if (match === null || bad !== undefined) {
    throw new Error(`unexpected character "${bad ?? "\\n"}" in variable name`);
  }
  return { key: name, after: text.slice(match[0].length).replace(/^[ \t]+/, "") };
}

function readValue(source: string, known: ReadonlyMap<string, string>): { value: string; after: string } {
  const lookup = (name: string): string | undefined => known.get(name);
  const quote = source[0];
  if (quote !== "'" && quote !== '"') {
    const [line = ""] = source.split("\n", 1);
    const [uncommented = ""] = line.split(" #", 1);
    return { value: interpolate(uncommented.trimEnd(), lookup), after: source.slice(line.length + 1) };
  }
  let text = "";
  for (let index = 1; index < source.length; index += 1) {
    const character = source[index] ?? "";
    if (character === quote) {
      const value = quote === '"' ? interpolate(expandEscapes(text), lookup) : text;
      return { value, after: source.slice(index + 1) };
    }
    if (character === "\\" && index + 1 < source.length) {
      const next = source[index + 1] ?? "";
      text += next === quote ? quote : `\\${next}`;
      index += 1;
    } else {
      text += character;
    }
  }
  throw new Error("unterminated quoted value");
}

function expandEscapes(text: string): string {
  const known: Record<string, string> = { n: "\n", r: "\r", t: "\t", "\\": "\\", '"': '"', $: "$$" };
  return text.replace(/\\(.)/g, (whole, character: string) => known[character] ?? whole);
}
