import { z } from "zod";
import {
  EnvironmentContents,
  EnvironmentVariable,
  Named,
  Uuid,
  type Deployment,
} from "../../operations/coolify/answers.ts";
import { CoolifyClient } from "../../operations/coolify/client.ts";
import { deploy } from "../../operations/coolify/deployment.ts";
import { imageFields } from "../../operations/coolify/plan.ts";
import type { Context } from "../../operations/verb.ts";
import { waitFor } from "../../operations/wait.ts";
import { assert } from "./claim.ts";
import { contextOf, type Stage } from "./stage.ts";

const deploymentLimitMs = 180_000;

/** Our backend as the dashboard makes it: a domain, no health check, no labels of ours, and an application that closes at once. */
export interface BareApplication {
  readonly url: string;
  readonly uuid: string;
  /** Changes settings, and deploys. Returns how Coolify says that it ended. */
  release(image: string, settings?: Readonly<Record<string, unknown>>): Promise<Deployment>;
  setVariable(key: string, value: string): Promise<void>;
  /** Waits until a release answers. */
  expectRelease(release: string): Promise<void>;
  /** The release that answers, or the status instead. Nobody tells a bare application its digest, so it names none. */
  answers(): Promise<string>;
  remove(): Promise<void>;
}

/** Makes it on `host`, in place of one that a run before left, with the variables of our own backend. Nothing is deployed yet. */
export async function createBareApplication(
  stage: Stage,
  { host, image }: { host: string; image: string },
  progress: Context["progress"],
): Promise<BareApplication> {
  const context = contextOf(stage, progress);
  const coolify = new CoolifyClient(context);
  const url = stage.urls.backend.replace(/\/\/[^:/]+/, `//${host}`);
  const uuid = await create(coolify, `http://${host}`, image);
  const answers = () => releaseAt(url, stage.signal);
  return {
    url,
    uuid,
    answers,
    async release(next, settings = {}) {
      const body = { ...imageFields(next), ...settings };
      await coolify.send({ method: "PATCH", path: `/applications/${uuid}`, body }, z.unknown());
      return deploy(coolify, uuid, deploymentLimitMs, context);
    },
    setVariable: (key, value) => setVariables(coolify, uuid, new Map([[key, value]])),
    async expectRelease(release) {
      await waitFor<true>(
        {
          what: `${url} as ${release}`,
          timeoutMs: 60_000,
          intervalMs: 250,
          next: "Look at the container's log.",
          async look() {
            const seen = await answers();
            return seen === release ? { done: true, value: true } : { done: false, seen };
          },
        },
        context,
      );
    },
    async remove() {
      await coolify.send({ method: "DELETE", path: `/applications/${uuid}` }, z.unknown());
    },
  };
}

async function create(coolify: CoolifyClient, domains: string, image: string): Promise<string> {
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
        domains,
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
  await setVariables(coolify, uuid, values);
  return uuid;
}

async function setVariables(coolify: CoolifyClient, uuid: string, values: ReadonlyMap<string, string>): Promise<void> {
  const data = [...values].map(([key, value]) => ({ key, value, is_preview: false, is_literal: true }));
  await coolify.send({ method: "PATCH", path: `/applications/${uuid}/envs/bulk`, body: { data } }, z.unknown());
}

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
