/**
 * Replaces variables as docker compose does: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:+other}`,
 * `${NAME:?message}`, and `$$` for a dollar sign. Unknown variables become empty. Throws compose's "invalid interpolation format".
 */
export function interpolate(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$(\$|[A-Za-z_][A-Za-z0-9_]*|\{[^}]*\}?)?/g, (whole, found: string | undefined) => {
    if (found === "$") return "$";
    const braced = /^\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])(.*))?\}$/s.exec(found ?? "");
    const name = braced?.[1] ?? (found?.startsWith("{") === true ? undefined : found);
    if (name === undefined)
      throw new Error(`invalid interpolation format: "${whole}". You may need to escape any $ with another $`);
    const value = lookup(name);
    const [operator, argument = ""] = [braced?.[2], braced?.[3]];
    const usable = operator?.startsWith(":") === true ? value !== undefined && value !== "" : value !== undefined;
    switch (operator?.at(-1) ?? "") {
      case "-":
        return usable ? (value ?? "") : interpolate(argument, lookup);
      case "+":
        return usable ? interpolate(argument, lookup) : "";
      case "?":
        if (!usable) throw new Error(`required variable ${name} is missing a value: ${argument}`);
        return value ?? "";
      default:
        return value ?? "";
    }
  });
}
