import type { Errors } from "../http/reply.ts";
import { invalid } from "../http/reply.ts";
import type { Fields, Json } from "../json.ts";

/** Checks one field as Laravel's validator does; the words are Laravel's. */
export interface Rule {
  /** The message when the field is missing or null; undefined when it may be. */
  required?: string;
  nullable?: boolean;
  check: (value: Json, name: string) => string[];
}

interface TextOptions {
  min?: number;
  max?: number;
  pattern?: RegExp;
  /** Said instead of "format is invalid". */
  patternMessage?: string;
  oneOf?: readonly string[];
  nullable?: boolean;
}

interface NumberOptions {
  min?: number;
  max?: number;
  nullable?: boolean;
}

/** Text with optional limits. */
export function text({ min, max, pattern, patternMessage, oneOf, nullable }: TextOptions = {}): Rule {
  return {
    nullable: nullable === true,
    check(value, name) {
      const field = spoken(name);
      if (typeof value !== "string") return [`The ${field} field must be a string.`];
      const problems: string[] = [];
      if (min !== undefined && value.length < min)
        problems.push(`The ${field} field must be at least ${min} characters.`);
      if (max !== undefined && value.length > max) {
        problems.push(`The ${field} field must not be greater than ${max} characters.`);
      }
      if (pattern !== undefined && !pattern.test(value)) {
        problems.push(patternMessage ?? `The ${field} field format is invalid.`);
      }
      if (oneOf !== undefined && !oneOf.includes(value)) problems.push(`The selected ${field} is invalid.`);
      return problems;
    },
  };
}

/** true, false, 0, 1, "0" or "1". */
export function flagRule(options: { nullable?: boolean } = {}): Rule {
  return {
    nullable: options.nullable === true,
    check: (value, name) =>
      [true, false, 0, 1, "0", "1"].some((accepted) => accepted === value)
        ? []
        : [`The ${spoken(name)} field must be true or false.`],
  };
}

/** A whole number, or text that is one. */
export function whole(options: NumberOptions = {}): Rule {
  return { nullable: options.nullable === true, check: (value, name) => numberProblems(value, name, options, true) };
}

/** A number, or text that is one. */
export function number(options: NumberOptions = {}): Rule {
  return { nullable: options.nullable === true, check: (value, name) => numberProblems(value, name, options, false) };
}

/** A list; each item is checked as `name.0`, `name.1` by `validate`. */
export function list(item?: Rule, options: { nullable?: boolean; min?: number } = {}): Rule {
  return {
    nullable: options.nullable === true,
    check(value, name) {
      if (!Array.isArray(value)) return [`The ${spoken(name)} field must be an array.`];
      if (options.min !== undefined && value.length < options.min) {
        return [`The ${spoken(name)} field must have at least ${options.min} items.`];
      }
      return item === undefined ? [] : value.flatMap((entry, index) => item.check(entry, `${name}.${index}`));
    },
  };
}

/** Makes a field mandatory. Most handlers say "This field is required."; pass null for Laravel's own sentence. */
export function required(rule: Rule, message: string | null = "This field is required."): Rule {
  return { ...rule, required: message ?? "" };
}

/** A rule of one's own. */
export function rule(check: (value: Json, name: string) => string[], options: { nullable?: boolean } = {}): Rule {
  return { nullable: options.nullable === true, check };
}

/** The problems of all fields, each a list; fields without problems are missing. */
export function problemsOf(input: Fields, rules: Record<string, Rule>): Record<string, string[]> {
  const problems: Record<string, string[]> = {};
  for (const [name, { required: message, nullable, check }] of Object.entries(rules)) {
    const value = input[name];
    if (value === undefined || value === null) {
      if (message !== undefined) problems[name] = [message === "" ? `The ${spoken(name)} field is required.` : message];
      else if (value === null && nullable !== true) problems[name] = check(null, name);
      continue;
    }
    const found = check(value, name);
    if (found.length > 0) problems[name] = found;
  }
  return problems;
}

/**
 * Refuses with 422 when a field is wrong, or is not on the list: one unknown field refuses the whole request. Query parameters count as
 * fields, as in Laravel.
 */
export function validate(input: Fields, rules: Record<string, Rule>, allowed?: readonly string[]): void {
  const problems: Errors = problemsOf(input, rules);
  for (const name of Object.keys(input)) {
    if (allowed !== undefined && !allowed.includes(name)) {
      const before = problems[name];
      problems[name] = [...(Array.isArray(before) ? before : []), "This field is not allowed."];
    }
  }
  if (Object.keys(problems).length > 0) throw invalid(problems);
}

/** Only the named fields that were sent. */
export function only(input: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(Object.entries(input).filter(([name]) => names.includes(name)));
}

function numberProblems(value: Json, name: string, { min, max }: NumberOptions, integer: boolean): string[] {
  const field = spoken(name);
  const parsed = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  const fits = typeof parsed === "number" && Number.isFinite(parsed) && (!integer || Number.isInteger(parsed));
  if (!fits) return [`The ${field} field must be ${integer ? "an integer" : "a number"}.`];
  if (min !== undefined && parsed < min) return [`The ${field} field must be at least ${min}.`];
  if (max !== undefined && parsed > max) return [`The ${field} field must not be greater than ${max}.`];
  return [];
}

function spoken(name: string): string {
  return name.replaceAll("_", " ");
}
