import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Application } from "../../../operations/coolify/answers.ts";
import { markOf } from "../../../operations/coolify/plan.ts";
import type { ApplicationSpec } from "../../../operations/coolify/spec.ts";
import { OperationError } from "../../../operations/error.ts";
import { startLightLoad, type LightLoad, type Seen } from "./light-load.ts";
import { openPlatform, type Platform } from "./platform.ts";

/** What became of a rollout that met a fault. */
export interface Trial {
  /** How the run ended that met the fault: `went on`, `killed`, or what it said. */
  readonly first: string;
  readonly before: Seen;
  readonly during: Seen;
  /** Between that run and the next one. */
  readonly after: Seen;
  /** What is wrong after the next run, which meets no fault; empty when it converged. */
  readonly wrong: readonly string[];
}

interface Stage {
  readonly platform: Platform;
  readonly uuids: readonly string[];
  readonly next: ApplicationSpec;
  /** The image that serves. */
  readonly old: string;
}

/** Plays a fault on the second replica of two: the first has moved by then. */
type Play = (stage: Stage) => Promise<void> | void;

const deploy = { method: "POST", path: "/deploy$" };
const second = ({ uuids }: Stage) => ({ method: "PATCH", path: `/applications/${uuids[1] ?? ""}$` });
/** Adds a fault when the second replica's settings are sent. */
const atSecond = (fault: object): Play => {
  return (stage) => stage.platform.traffic.when(settingsOf(stage, 1), () => stage.platform.fault(fault));
};
const settingsOf = ({ uuids }: Stage, index: number) => new RegExp(`^PATCH .*/applications/${uuids[index] ?? ""}$`);

/** Faults of Coolify and of people, by what the table calls them. */
export const faults = {
  "429 on the settings": (stage) =>
    stage.platform.fault({
      match: second(stage),
      effect: {
        kind: "respond",
        status: 429,
        headers: { "Retry-After": "1" },
        body: { message: "Too Many Attempts." },
      },
      times: 2,
    }),
  "500 on the settings": (stage) =>
    stage.platform.fault({
      match: second(stage),
      effect: { kind: "respond", status: 500, body: { message: "Server Error" } },
    }),
  "500 on the deployment": atSecond({
    match: deploy,
    effect: { kind: "respond", status: 500, body: { message: "Server Error" } },
  }),
  "connection cut before the settings": (stage) =>
    stage.platform.fault({ match: second(stage), effect: { kind: "drop" } }),
  "connection cut after the settings": (stage) =>
    stage.platform.fault({ match: second(stage), effect: { kind: "drop" }, after: true }),
  "connection cut before the deployment": atSecond({ match: deploy, effect: { kind: "drop" } }),
  "connection cut after the deployment": atSecond({ match: deploy, effect: { kind: "drop" }, after: true }),
  "no answer to the deployment": atSecond({ match: deploy, effect: { kind: "hang" } }),
  "200 on the settings, nothing done": (stage) =>
    stage.platform.fault({ match: second(stage), effect: { kind: "ok-but-nothing-done", body: { uuid: "x" } } }),
  "200 on the deployment with an id that does not exist": atSecond({
    match: deploy,
    effect: {
      kind: "ok-but-nothing-done",
      body: { deployments: [{ message: "queued", resource_uuid: "x", deployment_uuid: "made-up" }] },
    },
  }),
  "deployment queue full": atSecond({
    match: deploy,
    effect: {
      kind: "respond",
      status: 429,
      headers: { "Retry-After": "2" },
      body: { message: "Deployment queue is full. Please wait for existing deployments to complete." },
    },
    times: 2,
  }),
  "somebody deploys the second replica meanwhile": (stage) =>
    stage.platform.traffic.when(settingsOf(stage, 1), async () => {
      await stage.platform.workshop.coolify.expect(200, "POST", "/deploy", { uuid: stage.uuids[1] ?? "", force: true });
    }),
  "somebody sets the old image again before the deployment": (stage) =>
    stage.platform.traffic.when(settingsOf(stage, 1), () =>
      stage.platform.traffic.when(/^POST .*\/deploy$/, async () => {
        await stage.platform.workshop.coolify.expect(200, "PATCH", `/applications/${stage.uuids[1] ?? ""}`, {
          docker_registry_image_tag: stage.old.slice(stage.old.indexOf("@") + 1).replace(":", "-"),
        });
      }),
    ),
} satisfies Record<string, Play>;
export type FaultName = keyof typeof faults;

/** Where kill -9 hits: when a request of this form of the replica leaves. */
export const steps = {
  variables: (uuid: string) => new RegExp(`^PATCH .*/applications/${uuid}/envs/bulk$`),
  settings: (uuid: string) => new RegExp(`^PATCH .*/applications/${uuid}$`),
  "reading the settings back": (uuid: string) => new RegExp(`^GET .*/applications/${uuid}$`),
  deployment: () => /^POST .*\/deploy$/,
  "waiting for its end": () => /^GET .*\/deployments\/(?!applications)/,
  "mark as verified": (uuid: string) => new RegExp(`^PATCH .*/applications/${uuid}$`),
} satisfies Record<string, (uuid: string) => RegExp>;
export type Step = keyof typeof steps;

/** Two replicas on a platform of their own, between two releases and under a light, constant load. */
export class RolloutTrials {
  readonly #platform: Platform;
  readonly #images: readonly string[];
  readonly #load: LightLoad;
  /** The release that both replicas serve. */
  #serving = 0;
  #uuids: readonly string[] = [];

  private constructor(platform: Platform, images: readonly string[], load: LightLoad) {
    this.#platform = platform;
    this.#images = images;
    this.#load = load;
  }

  static async open(): Promise<RolloutTrials> {
    const platform = await openPlatform();
    const images = [await platform.release("release-1", "patient"), await platform.release("release-2", "patient")];
    const spec = platform.spec({ name: "trial", image: images[0] ?? "", replicas: 2 });
    const { uuids } = await platform.apply(spec);
    const trials = new RolloutTrials(platform, images, startLightLoad(spec.publicPort ?? 0));
    trials.#uuids = uuids;
    return trials;
  }

  /** The release that the next trial begins with, and the one that it moves to. */
  get releases(): readonly [string, string] {
    return [`release-${this.#serving + 1}`, `release-${2 - this.#serving}`];
  }

  async tryFault(name: FaultName): Promise<Trial> {
    return this.#try(async (stage) => {
      await faults[name](stage);
      return this.#platform.apply(stage.next).then(() => "went on", said);
    });
  }

  async tryKill(replica: 1 | 2, step: Step): Promise<Trial> {
    const uuid = this.#uuids[replica - 1] ?? "";
    const { traffic } = this.#platform;
    const [expected, settings, deployed] = [steps[step](uuid), steps.settings(uuid), steps.deployment()];
    return this.#try((stage) =>
      killed(stage, (kill) => {
        // What looks alike for both replicas, or twice for one, is waited for after what comes before it.
        if (step === "variables" || step === "settings") traffic.when(expected, kill);
        else if (step !== "mark as verified") traffic.when(settings, () => traffic.when(expected, kill));
        else traffic.when(settings, () => traffic.when(deployed, () => traffic.when(expected, kill)));
      }),
    );
  }

  async #try(play: (stage: Stage) => Promise<string>): Promise<Trial> {
    const platform = this.#platform;
    const [, release] = this.releases;
    const image = this.#images[1 - this.#serving] ?? "";
    const spec = { name: "trial", image, replicas: 2, rolloutTimeoutSeconds: 20 };
    const next = platform.spec({ ...spec, stamp: { id: release, after: null } });
    this.#load.seen();
    const before = await this.#watch();
    const first = await play({ platform, uuids: this.#uuids, next, old: this.#images[this.#serving] ?? "" });
    const during = this.#load.seen();
    const after = await this.#watch();
    platform.traffic.when(null);
    await fetch(`${platform.workshop.coolify.url}/_sandbox/faults`, { method: "DELETE" });
    const wrong = await platform.apply(next).then(
      () => [],
      (error: unknown) => [`the next run failed: ${said(error)}`],
    );
    this.#serving = 1 - this.#serving;
    return { first, before, during, after, wrong: [...wrong, ...(await this.#notConverged(next))] };
  }

  /** What is not as an undisturbed rollout leaves it. */
  async #notConverged(next: ApplicationSpec): Promise<string[]> {
    const platform = this.#platform;
    const meanwhile = this.#load.seen();
    const served = await this.#watch();
    const start = platform.traffic.requests.length;
    const again = await platform.apply(next).then(() => "went on", said);
    const requests = platform.traffic.requests.length - start;
    const marks = await Promise.all(
      this.#uuids.map(async (uuid) =>
        markOf((await platform.workshop.coolify.expect(200, "GET", `/applications/${uuid}`)) as unknown as Application),
      ),
    );
    const [release] = this.releases;
    return [
      ...failuresIn("during the next run", meanwhile),
      ...failuresIn("after the next run", served),
      ...(served.releases.join() === release ? [] : [`${served.releases.join(", ")} served after the next run`]),
      ...(again === "went on" && requests === 4 ? [] : [`a third run ${again} with ${requests} requests`]),
      ...(marks.every((mark) => mark?.revision !== null && mark !== null) ? [] : ["a replica carries no revision"]),
    ];
  }

  /** Some requests of the load, whatever happens. */
  async #watch(): Promise<Seen> {
    await this.#load.more(20);
    return this.#load.seen();
  }

  async close(): Promise<void> {
    await this.#load.stop();
    await this.#platform.close();
  }
}

/** Every failed request of a trial, in words. */
export function failuresIn(when: string, { failures }: Seen): string[] {
  return Object.entries(failures).map(([kind, count]) => `${count} x ${kind} ${when}`);
}

/** Runs the verb in a process of its own and kills it with SIGKILL when the condition is met. */
async function killed({ platform, next }: Stage, arm: (kill: () => void) => void): Promise<string> {
  const child = spawn(process.execPath, ["operations/cli.ts", "application", "apply"], {
    cwd: new URL("../../..", import.meta.url).pathname,
    env: { PATH: process.env["PATH"] ?? "", ...platform.env },
    stdio: ["pipe", "ignore", "ignore"],
  });
  const exited = once(child, "exit");
  arm(() => void child.kill("SIGKILL"));
  child.stdin.end(JSON.stringify(next));
  const [code, signal] = (await exited) as [number | null, string | null];
  return signal === "SIGKILL" ? "killed" : `ended with ${code ?? signal ?? "nothing"}`;
}

/** What a run said went wrong, without the ids of this very run. */
function said(error: unknown): string {
  if (!(error instanceof OperationError))
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const [cause = ""] = error.text.what.split("\nNow: ");
  return (
    cause
      .split("\n", 1)[0]
      ?.replace(/\/applications\/\w{20,}/, "/applications/…")
      .replace(/sha256:[0-9a-f]{64}/g, "sha256:…")
      .replace(/ at http:\S+/, "")
      .trim() ?? ""
  );
}
