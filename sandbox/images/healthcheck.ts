import type { ImageConfig } from "../../operations/image/manifest.ts";

type Healthcheck = NonNullable<ImageConfig["Healthcheck"]>;

const durations: Record<string, "Interval" | "Timeout" | "StartPeriod" | "StartInterval"> = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
};

/** Reads a HEALTHCHECK's flags and what follows them into the form that an image's configuration has; undefined when it is not well-formed. */
export function readHealthcheck(
  flags: readonly { name: string; value: string }[],
  text: string,
): Healthcheck | undefined {
  const result: Healthcheck = {};
  for (const { name, value } of flags) {
    const field = durations[name] ?? (name === "retries" ? "Retries" : undefined);
    const amount = field === "Retries" ? Number(value) : nanoseconds(value);
    if (field === undefined || amount === undefined || !Number.isInteger(amount)) return undefined;
    result[field] = amount;
  }
  if (/^\s*none\s*$/i.test(text)) return { Test: ["NONE"] };
  const command = /^\s*cmd\s+(.+)$/is.exec(text)?.[1]?.trim();
  if (command === undefined) return undefined;
  if (!command.startsWith("[")) return { Test: ["CMD-SHELL", command], ...result };
  const words = parseArray(command);
  return words === undefined ? undefined : { Test: ["CMD", ...words], ...result };
}

const units: Record<string, number> = { h: 3600e9, m: 60e9, s: 1e9, ms: 1e6 };

/** A duration as Go writes it: `1m30s`, `500ms`. */
function nanoseconds(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, , unit = ""] of text.matchAll(/(\d+(\.\d+)?)(h|ms|m|s)/g))
    total += Number(amount) * (units[unit] ?? 0);
  return Math.round(total);
}

function parseArray(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}
