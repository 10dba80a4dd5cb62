import type { ApplicationSpec } from "../../operations/coolify/spec.ts";
import { askVersion } from "../../operations/release/smoke.ts";
import type { Ended, Platform, Version } from "./platform.ts";
import type { Row } from "./row.ts";
import type { Field, ScenarioName } from "./scenario.ts";
import { underTraffic } from "./traffic.ts";

interface Hold {
  readonly version: Version;
  /** What the spec has besides the version's own. */
  readonly change: Partial<ApplicationSpec>;
  /** What must be in what the verb says, so that it was this that held the release. */
  readonly because: RegExp;
  /** How it ends when it ends well. */
  readonly outcome: string;
}

/** A bad release is given up sooner than a good one, so that what is measured is how it ends and not how long it may try. */
const badRetries = 15;
const badTimeoutSeconds = 45;

/** Runs one piece of work of ours under traffic. `work` returns how it ended in words, and what does not hold. */
export async function ours(
  platform: Platform,
  scenario: ScenarioName,
  work: (mark: (text: string) => void) => Promise<{ outcome: string; problems: string[] }>,
): Promise<Row> {
  const { stage } = platform;
  const { result, seconds, seen } = await underTraffic(stage.urls.backend, stage.signal, work);
  return { scenario, side: "ours", seconds, ...result, seen };
}

/** Applies a spec under traffic, with a mark for each step; the apply must succeed. */
export async function applyOurs(platform: Platform, scenario: ScenarioName, spec: ApplicationSpec): Promise<Row> {
  return ours(platform, scenario, async (mark) => {
    const ended = await platform.apply(spec, { onLine: steps(mark) });
    return judged(ended, await serves(platform, spec));
  });
}

/** Applies a release that must be held at the gate, for what is wrong with it, under traffic. */
export async function holdOurs(
  field: Field,
  scenario: ScenarioName,
  { version, because }: Pick<Hold, "version" | "because">,
): Promise<Row> {
  const health = { ...field.platform.spec().health, retries: badRetries };
  const change = { health, rolloutTimeoutSeconds: badTimeoutSeconds };
  return undoOurs(field, scenario, { version, change, because, outcome: "held at the gate" });
}

/** Applies a release that must not stay, under traffic: the exit says so, and what served before still does. */
export async function undoOurs(
  { platform }: Field,
  scenario: ScenarioName,
  { version, change, because, outcome }: Hold,
): Promise<Row> {
  const before = platform.spec();
  return ours(platform, scenario, async (mark) => {
    const { exitCode, stderr } = await platform.apply(platform.moved(version, change), { onLine: steps(mark) });
    const problem = await serves(platform, before);
    return {
      outcome: exitCode === 0 ? "released" : outcome,
      problems: [
        ...(exitCode === 0 ? ["a bad release was reported as good"] : []),
        ...(because.test(stderr) ? [] : [`not held for what is wrong with it\n${tail(stderr)}`]),
        ...(problem === null ? [] : [`${problem}\n${tail(stderr)}`]),
      ],
    };
  });
}

/** Null when users get what the spec says, else what they get. */
export async function serves({ stage }: Platform, spec: ApplicationSpec): Promise<string | null> {
  const wanted = `${spec.stamp?.id ?? ""} ${spec.image.slice(spec.image.indexOf("@") + 1)}`;
  const answer = await askVersion(`${stage.urls.backend}/version`, stage.signal);
  const seen = typeof answer === "string" ? answer : `${answer.release} ${answer.digest}`;
  return seen === wanted ? null : `users get ${seen} instead of ${wanted}`;
}

export function judged({ exitCode, stderr }: Ended, problem: string | null): { outcome: string; problems: string[] } {
  return {
    outcome: exitCode === 0 ? "done" : `exit code ${exitCode}`,
    problems: [
      ...(exitCode === 0 ? [] : [`ended with exit code ${exitCode}\n${tail(stderr)}`]),
      ...(problem === null ? [] : [problem]),
    ],
  };
}

/** A mark for each step that a verb begins, not for those within. */
export function steps(mark: (text: string) => void): (line: string) => void {
  return (line) => {
    if (line.startsWith("· ")) mark(line.slice(2));
  };
}

/** The sound release that does not serve now. */
export function other({ versions: [first, second], spec }: Platform): Version {
  return spec().image === first.image ? second : first;
}

function tail(text: string): string {
  return text.trim().split("\n").slice(-12).join("\n");
}
