/** One sample of the Prometheus text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const samplePattern =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\s*\{((?:\s*[a-zA-Z_][a-zA-Z0-9_]*\s*=\s*"(?:[^"\\]|\\.)*"\s*,?)*)\s*\})?\s+(\S+)(?:\s+-?\d+)?\s*$/;

/**
 * Reads text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): one sample a line, comments and empty lines aside.
 * Throws a SyntaxError that names the line which is none.
 */
export function parsePrometheusText(text: string): Sample[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "" || line.startsWith("#")) return [];
    const [, name, labels = "", value = ""] = samplePattern.exec(line) ?? [];
    const number = numberOf(value);
    if (name === undefined || number === null)
      throw new SyntaxError(`line ${index + 1} is no sample: ${line.slice(0, 100)}`);
    return [{ name, labels: labelsIn(labels), value: number }];
  });
}

function labelsIn(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"/g)];
  return Object.fromEntries(
    pairs.map(([, name = "", value = ""]) => [
      name,
      value.replace(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped)),
    ]),
  );
}

function numberOf(text: string): number | null {
  if (/^[+-]?inf$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return NaN;
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : null;
}
