import type { BareApplication } from "../../sandbox/demo/bare-application.ts";
import type { Platform, Version } from "./platform.ts";
import type { Row } from "./row.ts";

export const scenarioNames = [
  "release",
  "rollback",
  "labels",
  "never-ready",
  "wrong-digest",
  "missing-image",
  "canary",
  "failing-canary",
  "scaling",
  "coolify-restart",
  "crash",
  "proxy-restart",
  "requests",
  "fleet",
] as const;
export type ScenarioName = (typeof scenarioNames)[number];

/** Played when nobody chooses. The fleet is sixty containers more, and as long as all of bare Coolify. */
export const usualScenarios = scenarioNames.filter((name) => name !== "fleet");

/** What a scenario may use. */
export interface Field {
  readonly platform: Platform;
  /** Each with one fault; made from the second release. */
  readonly bad: Readonly<Record<"neverReady" | "lying" | "failing" | "crashing" | "missing", Version>>;
}

/** A scenario: with our verbs, and with bare Coolify where it has such a thing. Each begins and ends with a sound release that serves. */
export interface Scenario {
  readonly name: ScenarioName;
  readonly title: string;
  /** True where users must not notice anything. The others are reported as they are. */
  readonly promised: boolean;
  readonly ours: (field: Field) => Promise<Row>;
  readonly bare?: (field: Field, application: BareApplication) => Promise<Row>;
}

/** How long after its start the crashing release ends by itself, seconds: after the rollout has seen it answer. */
export const crashesAfterSeconds = 20;
