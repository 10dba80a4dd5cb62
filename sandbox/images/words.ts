/** Why a word of a Dockerfile cannot be read. */
export class WordError extends Error {
  override readonly name = "WordError";
}

/**
 * Reads one word as Docker does: quotes are taken off, `\` takes the meaning from the next character, and `$NAME`, `${NAME}`,
 * `${NAME:-otherwise}`, `${NAME:+instead}` are replaced, except in single quotes. An unknown variable is empty.
 * Source: docs.docker.com/reference/dockerfile, "Environment replacement".
 */
export function expandWord(word: string, variables: ReadonlyMap<string, string>): string {
  let text = "";
  let quote = "";
  for (let at = 0; at < word.length; at += 1) {
    const character = word[at] ?? "";
    if (quote === "'") {
      if (character === "'") quote = "";
      else text += character;
    } else if (character === "\\") {
      const next = word[at + 1] ?? "";
      text += quote === "" || '"$\\'.includes(next) ? next : character + next;
      at += 1;
    } else if (character === "$") {
      const variable = readVariable(word.slice(at + 1), variables);
      text += variable.text;
      at += variable.length;
    } else if (character === quote) quote = "";
    else if (quote === "" && (character === '"' || character === "'")) quote = character;
    else text += character;
  }
  if (quote !== "") throw new WordError(`${word} has an unclosed ${quote}`);
  return text;
}

/** Reads what follows a `$`; `length` is how much of `rest` it takes. */
function readVariable(rest: string, variables: ReadonlyMap<string, string>): { text: string; length: number } {
  const bare = /^[A-Za-z_]\w*/.exec(rest)?.[0];
  if (bare !== undefined) return { text: variables.get(bare) ?? "", length: bare.length };
  if (!rest.startsWith("{")) return { text: "$", length: 0 };
  const end = closingBrace(rest);
  const [, name, operator, word = ""] = /^([A-Za-z_]\w*)(?:(:-|:\+)(.*))?$/s.exec(rest.slice(1, end)) ?? [];
  if (name === undefined) throw new WordError(`\${${rest.slice(1, end)}} is not a form of variable that is read here`);
  const value = variables.get(name) ?? "";
  const other = () => expandWord(word, variables);
  const text = operator === ":-" && value === "" ? other() : operator === ":+" ? (value === "" ? "" : other()) : value;
  return { text, length: end + 1 };
}

function closingBrace(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "{") depth += 1;
    if (text[at] === "}") depth -= 1;
    if (depth === 0) return at;
  }
  throw new WordError(`$${text} has an unclosed {`);
}

/** Splits `NAME=value` at the first `=` outside quotes; undefined when there is none. */
export function splitAssignment(word: string): { name: string; value: string } | undefined {
  const name = /^(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^="'])*/.exec(word)?.[0] ?? "";
  if (word[name.length] !== "=") return undefined;
  return { name, value: word.slice(name.length + 1) };
}
