import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import type { Progress } from "../../../operations/progress.ts";
import { EnvironmentContents, EnvironmentVariable, Named, Uuid } from "../../../operations/coolify/answers.ts";
import { CoolifyClient } from "../../../operations/coolify/client.ts";
import { deploy } from "../../../operations/coolify/deployment.ts";
import { imageFields } from "../../../operations/coolify/plan.ts";
import { waitFor } from "../../../operations/wait.ts";
import { assert, claim, type Claim } from "../claim.ts";
import { loadFigures, underLoadOf } from "../load.ts";
import { contextOf, type Stage } from "../stage.ts";

const host = "bare.affexai.localhost";
const deploymentLimitMs = 180_000;
/** As long as our own release is under load after its switch, at least: the drain, the smoke test and the ledger. */
const afterSwitchMs = 10_000;

/**
 * The same two releases, under the same load on the backend, with Coolify as it comes: a domain, no health check, no labels of ours, and an application that closes at
 * once. The platform has to be able to hurt, or our zero says nothing.
 */
export async function bareDefaults(stage: Stage, progress: Progress): Promise<Claim[]> {
  const [first, second] = stage.releases;
  assert(first !== undefined && second !== undefined);
  const context = contextOf(stage, progress);
  const coolify = new CoolifyClient(context);
  const url = stage.urls.backend.replace(/\/\/[^:/]+/, `//${host}`);
  const uuid = await progress.step("release-1 with bare Coolify defaults", async (inner) => {
    const created = await createBare(coolify, first.record.images.backend);
    await deploy(coolify, created, deploymentLimitMs, { ...context, progress: inner });
    await waitForRelease(url, first.record.id, { ...context, progress: inner });
    return created;
  });
  const release = async (image: string) => {
    await coolify.send({ method: "PATCH", path: `/applications/${uuid}`, body: imageFields(image) }, z.unknown());
    return deploy(coolify, uuid, deploymentLimitMs, context);
  };
  const users = { url, paths: ["/api/pages/home", "/version"], requestsPerSecond: 50 };
  const { load } = await underLoadOf(stage, [users], () =>
    progress.step("release-2 with bare Coolify defaults, under load", async (inner) => {
      await release(second.record.images.backend);
      await waitForRelease(url, second.record.id, { ...context, progress: inner });
      inner.note(`the load goes on for ${afterSwitchMs / 1000} s after the switch`);
      await wait(afterSwitchMs, undefined, { signal: stage.signal });
    }),
  );
  const crash = await progress.step("a release that crashes at start, with bare Coolify defaults", async () => {
    const data = [{ key: "DATABASE_URL", value: "not-a-url", is_preview: false, is_literal: true }];
    await coolify.send({ method: "PATCH", path: `/applications/${uuid}/envs/bulk`, body: { data } }, z.unknown());
    return release(second.record.images.backend);
  });
  const afterCrash = await releaseAt(url, stage.signal);
  await coolify.send({ method: "DELETE", path: `/applications/${uuid}` }, z.unknown());
  return [
    claim("bare Coolify defaults lose requests in the same release", loadFigures(load), () => {
      assert(load.sent >= 500, `only ${load.sent} requests were sent`);
      assert(load.failed > 0, "bare defaults lost nothing: the platform is kinder than Coolify");
    }),
    claim(
      "bare Coolify defaults report a crashing release as finished",
      { deployment: crash.status, serves: afterCrash },
      ({ deployment, serves }) => {
        assert.equal(deployment, "finished");
        assert.notEqual(serves, second.record.id);
      },
    ),
  ];
}

/** An application as the dashboard makes it, with the variables of our backend. */
async function createBare(coolify: CoolifyClient, image: string): Promise<string> {
  const projects = await coolify.get("/projects", z.array(Named));
  const project = projects.find(({ name }) => name === "affexai");
  assert(project !== undefined);
  const [server] = await coolify.get("/servers", z.array(Named));
  assert(server !== undefined);
  const { applications } = await coolify.get(`/projects/${project.uuid}/sandbox`, EnvironmentContents);
  const ours = applications.find(({ name }) => name === "backend");
  assert(ours !== undefined);
  for (const { uuid } of applications.filter(({ name }) => name === "bare")) {
    await coolify.send({ method: "DELETE", path: `/applications/${uuid}` }, z.unknown());
  }
  const { uuid } = await coolify.send(
    {
      method: "POST",
      path: "/applications/dockerimage",
      body: {
        project_uuid: project.uuid,
        environment_name: "sandbox",
        server_uuid: server.uuid,
        name: "bare",
        ...imageFields(image),
        ports_exposes: "3001",
        domains: `http://${host}`,
      },
    },
    Uuid,
  );
  const variables = await coolify.get(`/applications/${ours.uuid}/envs`, z.array(EnvironmentVariable));
  const values = new Map(
    variables.flatMap(({ key, value, is_preview }) => (is_preview || !value ? [] : [[key, value] as const])),
  );
  for (const [key, value] of [
    ["DRAIN_READY_SECONDS", "0"],
    ["DRAIN_SECONDS", "0"],
  ] as const) {
    values.set(key, value);
  }
  // The digest of our own rollout would make the application lie about itself.
  values.delete("AFFEXAI_IMAGE_DIGEST");
  const data = [...values].map(([key, value]) => ({ key, value, is_preview: false, is_literal: true }));
  await coolify.send({ method: "PATCH", path: `/applications/${uuid}/envs/bulk`, body: { data } }, z.unknown());
  return uuid;
}

async function waitForRelease(url: string, release: string, context: Parameters<typeof waitFor>[1]): Promise<void> {
  await waitFor<true>(
    {
      what: `${url} as ${release}`,
      timeoutMs: 60_000,
      intervalMs: 250,
      next: "Look at the container's log.",
      async look() {
        const seen = await releaseAt(url, context.signal);
        return seen === release ? { done: true, value: true } : { done: false, seen };
      },
    },
    context,
  );
}

/** The release that answers, or the status instead. Nobody tells a bare application its digest, so it names none. */
async function releaseAt(url: string, signal: AbortSignal): Promise<string> {
  try {
    const response = await fetch(`${url}/version`, { signal: AbortSignal.any([signal, AbortSignal.timeout(5000)]) });
    if (!response.ok) return `status ${response.status}`;
    return z.object({ release: z.string() }).parse(await response.json()).release;
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof Error ? error.message : String(error);
  }
}
