import { CreateBucketCommand } from "@aws-sdk/client-s3";
import Docker from "dockerode";
import { join } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { EnvironmentContents } from "../../operations/coolify/answers.ts";
import { CoolifyClient } from "../../operations/coolify/client.ts";
import { ApplicationSpec } from "../../operations/coolify/spec.ts";
import { run } from "../../operations/process.ts";
import type { LedgerLocation } from "../../operations/release/spec.ts";
import { programFolder } from "../../operations/stack.ts";
import { objectStorage } from "../../operations/storage.ts";
import type { Context } from "../../operations/verb.ts";
import { openStage } from "../../sandbox/demo/open.ts";
import { contextOf, pulumiOn, upArguments, type Stage } from "../../sandbox/demo/stage.ts";
import { proxyContainer } from "../../sandbox/docker/traefik.ts";
import { root } from "../../sandbox/setup/paths.ts";
import { readRecord } from "../../sandbox/supervisor/record.ts";
import { describeSandbox, type Runtime } from "../../sandbox/supervisor/sandbox.ts";

/** A release of the backend: its image, and what it says it is. */
export interface Version {
  readonly release: string;
  readonly image: string;
}

/** How a verb ended. */
export interface Ended {
  readonly exitCode: number;
  readonly seconds: number;
  /** What it said on the way, errors included. */
  readonly stderr: string;
}

interface ApplyOptions {
  /** In place of the platform's own address. */
  readonly coolifyUrl?: string;
  /** Told each line that the verb says on the way. */
  readonly onLine?: (line: string) => void;
}

/** The whole product on a sandbox of the bench's own, and the backend's verb as the engine runs it. */
export interface Platform {
  readonly stage: Stage;
  readonly coolify: CoolifyClient;
  /** Two sound releases; the database is at the second's schema, on which both run. */
  readonly versions: readonly [Version, Version];
  /** The backend's spec as it serves now. */
  readonly spec: () => ApplicationSpec;
  /** What a spec is with another image: its stamp and the digest it is told change with it. */
  readonly moved: (version: Version, change?: Partial<ApplicationSpec>) => ApplicationSpec;
  /** The uuid of its first replica in Coolify. */
  readonly uuid: () => Promise<string>;
  /** Runs `application apply`; when it succeeds, the spec is what serves. */
  readonly apply: (spec: ApplicationSpec, options?: ApplyOptions) => Promise<Ended>;
  /** The same for an application beside the backend, whose spec is nobody's. */
  readonly applyBeside: (spec: ApplicationSpec, options?: ApplyOptions) => Promise<Ended>;
  /** Kills a service of the sandbox with -9, and returns when another process of it is ready. */
  readonly restart: (service: "coolify" | "proxy") => Promise<void>;
}

/** What the bench writes on a runtime: the state of its platform, and what it measured. */
export function benchFolder(runtime: Runtime): string {
  return join(root, ".sandbox", runtime === "docker" ? "bench-docker" : "bench");
}

/** An empty platform, with its releases published. */
export async function openBench(context: Context, runtime: Runtime): Promise<Stage> {
  const env = { ...context.env, AFFEXAI_SANDBOX_DIR: join(benchFolder(runtime), "platform") };
  return openStage({ ...context, env }, { runtime });
}

/** `pulumi up` of a release, which must succeed. */
export async function release(stage: Stage, index: number, progress: Context["progress"]): Promise<void> {
  const { file } = published(stage, index);
  const up = await pulumiOn(stage, upArguments, file, progress);
  if (!up.ok) throw new Error(`pulumi up of ${file} failed:\n${up.output.slice(-4000)}`);
}

/** A bucket of the bench's own: its rollouts are no releases of the stack, and the stack's bucket admits no other environment. */
async function openLedger({ env }: Stage): Promise<LedgerLocation> {
  const bucket = "affexai-bench";
  const storage = objectStorage(env);
  await storage.send(new CreateBucketCommand({ Bucket: bucket }));
  storage.destroy();
  return { bucket, environment: "bench" };
}

/** Takes the backend's spec and secrets from the stack, as the engine gave them to the verb. */
export async function openPlatform(stage: Stage, progress: Context["progress"]): Promise<Platform> {
  const given = await commandOf(stage, "backend-apply");
  const declared = ApplicationSpec.parse(JSON.parse(given.stdin));
  const coolify = new CoolifyClient(contextOf(stage, progress));
  let serving: ApplicationSpec = { ...declared, ledger: await openLedger(stage) };
  const versionOf = (index: number): Version => {
    const { record } = published(stage, index);
    return { release: record.id, image: record.images.backend };
  };
  async function runApply(spec: ApplicationSpec, { coolifyUrl, onLine }: ApplyOptions = {}): Promise<Ended> {
    const env = { ...stage.env, ...given.environment, ...(coolifyUrl && { COOLIFY_URL: coolifyUrl }) };
    const began = performance.now();
    const child = execa(process.execPath, ["operations/cli.ts", "application", "apply"], {
      ...{ cwd: programFolder, env, input: JSON.stringify(spec), reject: false, cancelSignal: stage.signal },
    });
    child.stderr.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString("utf8").trim().split("\n")) onLine?.(line);
    });
    const { exitCode = -1, stderr } = await child;
    return { exitCode, seconds: (performance.now() - began) / 1000, stderr };
  }
  return {
    stage,
    coolify,
    versions: [versionOf(0), versionOf(1)],
    spec: () => serving,
    moved({ release, image }, change = {}) {
      const AFFEXAI_IMAGE_DIGEST = image.slice(image.indexOf("@") + 1);
      const variables = { ...serving.variables, AFFEXAI_IMAGE_DIGEST };
      return { ...serving, image, variables, stamp: { id: release, after: null }, ...change };
    },
    async uuid() {
      const { placement, name } = serving;
      const path = `/projects/${placement.projectUuid}/${placement.environmentName}`;
      const { applications } = await coolify.get(path, EnvironmentContents);
      const found = applications.find((one) => one.name === name);
      if (found === undefined) throw new Error(`Coolify has no application ${name}`);
      return found.uuid;
    },
    async apply(spec, options) {
      const ended = await runApply(spec, options);
      // How a rollout was watched is no part of what serves.
      if (ended.exitCode === 0) serving = { ...spec, canary: declared.canary };
      return ended;
    },
    applyBeside: runApply,
    async restart(service) {
      const { runtime, ports, host } = describeSandbox(stage.env);
      if (service === "proxy" && runtime === "docker")
        return restartTraefik(stage.folder, { host, port: ports.containers });
      const find = async () => (await readRecord(stage.folder))?.services.find(({ name }) => name === service);
      const before = await find();
      if (before === undefined) throw new Error(`${service} does not run`);
      process.kill(before.process.pid, "SIGKILL");
      for (;;) {
        stage.signal.throwIfAborted();
        const now = await find();
        if (now?.ready === true && now.process.pid !== before.process.pid) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };
}

/** Kills Traefik's container and starts it again. */
async function restartTraefik(folder: string, engine: { host: string; port: number }): Promise<void> {
  await new Docker(engine).getContainer(proxyContainer(folder)).restart({ t: 0 });
}

export function published(stage: Stage, index: number): Stage["releases"][number] {
  const found = stage.releases[index];
  if (found === undefined) throw new Error(`release ${index + 1} is not published`);
  return found;
}

/** How Pulumi writes a secret in a state that is shown: its plain text is JSON. */
const Shown = z.union([
  z.string(),
  z.object({ plaintext: z.string() }).transform((one): unknown => JSON.parse(one.plaintext)),
]);
const Exported = z.object({
  deployment: z.object({
    resources: z.array(z.object({ urn: z.string(), inputs: z.record(z.string(), z.unknown()).optional() })),
  }),
});
const CommandInputs = z.object({
  stdin: Shown.pipe(z.string()),
  environment: z.union([
    z.record(z.string(), Shown.pipe(z.string())),
    z
      .object({ plaintext: z.string() })
      .transform((one) => z.record(z.string(), z.string()).parse(JSON.parse(one.plaintext))),
  ]),
});

async function commandOf(stage: Stage, name: string): Promise<z.output<typeof CommandInputs>> {
  const { stdout } = await run({
    file: "pulumi",
    arguments: ["stack", "export", "--show-secrets", "--stack", stage.stack],
    cwd: programFolder,
    env: { ...stage.env },
    timeoutMs: 60_000,
    signal: stage.signal,
  });
  const { resources } = Exported.parse(JSON.parse(stdout)).deployment;
  const command = resources.find(({ urn }) => urn.endsWith(`::${name}`));
  if (command === undefined) throw new Error(`the stack has no ${name}`);
  return CommandInputs.parse(command.inputs);
}
