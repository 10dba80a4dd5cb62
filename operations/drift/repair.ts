import { z } from "zod";
import { applyApplication } from "../coolify/application.ts";
import { CoolifyClient } from "../coolify/client.ts";
import { applyPostgres, applyRedis } from "../coolify/databases.ts";
import { digestOf, markOf, ownerMark, planReplica } from "../coolify/plan.ts";
import { applyProject } from "../coolify/project.ts";
import { readEnvironment, readReplicas } from "../coolify/probe.ts";
import { ApplicationSpec, DatabaseResult, PostgresSpec, ProjectSpec, RedisSpec } from "../coolify/spec.ts";
import { resetFields, undeclaredSettings } from "../coolify/undeclared-settings.ts";
import { variableValues } from "../coolify/variables.ts";
import { throughTunnel } from "../database/reach.ts";
import { applyRoles } from "../database/roles.ts";
import { RolesSpec } from "../database/spec.ts";
import { OperationError } from "../error.ts";
import { Ledger, attemptState } from "../release/ledger.ts";
import { runSmokeTest } from "../release/smoke.ts";
import { SmokeTestSpec } from "../release/spec.ts";
import { objectStorage } from "../storage.ts";
import type { Context } from "../verb.ts";
import type { Managed, StackState } from "./managed.ts";
import type { DriftReport } from "./spec.ts";

type Differences = DriftReport["differences"];

/**
 * Puts right what the report says can be: the same verbs with the same specs that the state holds, in their order. Applications of a
 * release are rolled out again as an attempt of their own, which the smoke test then proves and the ledger keeps, so the state's
 * inputs stay equal and the next `up` runs nothing. Returns the resources it worked on.
 */
export async function repairStack(state: StackState, report: DriftReport, context: Context): Promise<string[]> {
  const ours = report.differences.filter(({ repair }) => repair.by === "affexai drift --repair");
  const broken = state.managed.flatMap((one) => {
    const differences = ours.filter(({ resource }) => resource === one.resource);
    return differences.length === 0 ? [] : [{ one, differences }];
  });
  const smoke = state.managed.find(({ noun }) => noun === "smoke");
  const proof =
    smoke !== undefined && broken.some(({ one }) => isOfRelease(one)) ? SmokeTestSpec.parse(smoke.spec) : undefined;
  const ledger = proof === undefined ? undefined : new Ledger(objectStorage(context.env), proof.ledger);
  if (proof !== undefined && ledger !== undefined) await refuseUnsettled(proof.stamp.id, ledger);
  for (const { one, differences } of broken) {
    await context.progress.step(`repair ${one.resource}`, (progress) =>
      repairOne(one, differences, { ...context, progress, env: { ...context.env, ...one.env } }),
    );
  }
  if (proof !== undefined && ledger !== undefined) {
    const { attempt } = await context.progress.step("smoke test", (progress) =>
      runSmokeTest.run(proof, { ...context, progress }),
    );
    await ledger.close(attempt, "verified", "what was edited by hand was put back, and the smoke tests passed");
  }
  return broken.map(({ one }) => one.resource);
}

function isOfRelease({ noun, spec }: Managed): boolean {
  return noun === "application" && ApplicationSpec.parse(spec).stamp !== null;
}

/** While a release is under way, or failed half-way, the state holds a mixture: only an `up` knows where to go. */
async function refuseUnsettled(release: string, ledger: Ledger): Promise<void> {
  const newest = await ledger.newest();
  if (newest !== null && newest.release === release && attemptState(newest.events) === "verified") return;
  const seen = newest === null ? "empty" : `at ${newest.release}, ${attemptState(newest.events)}`;
  throw new OperationError("refused", {
    where: "drift --repair",
    what: `the state is that of ${release} verified, and the ledger is ${seen}.`,
    next: "Wait for the release that is under way, or run `AFFEXAI_RELEASE=<release> pulumi up`; nothing was touched.",
  });
}

async function repairOne({ noun, spec, result }: Managed, differences: Differences, context: Context): Promise<void> {
  switch (noun) {
    case "project":
      await applyProject.run(ProjectSpec.parse(spec), context);
      return;
    case "postgres":
    case "redis":
      if (differences.some(({ name }) => name === "is_public")) {
        const path = `/databases/${DatabaseResult.parse(result).uuid}`;
        await new CoolifyClient(context).send({ method: "PATCH", path, body: { is_public: false } }, z.unknown());
      }
      if (noun === "postgres") await applyPostgres.run(PostgresSpec.parse(spec), context);
      else await applyRedis.run(RedisSpec.parse(spec), context);
      return;
    case "roles":
      await throughTunnel(context, (reached) => applyRoles.run(RolesSpec.parse(spec), reached));
      return;
    default:
      await unsettle(ApplicationSpec.parse(spec), differences, context);
      await applyApplication.run(ApplicationSpec.parse(spec), context);
  }
}

/**
 * Puts back what a rollout does not send, and takes back each edited replica's word that it serves this revision: the edit may have
 * been deployed meanwhile, so `apply` deploys it again. Its labels go along, because Coolify writes its own when domains change.
 */
async function unsettle(spec: ApplicationSpec, differences: Differences, context: Context): Promise<void> {
  const coolify = new CoolifyClient(context);
  const environment = await readEnvironment(coolify, spec.placement);
  if (environment === null) return;
  const values = variableValues(spec, context.env);
  for (const { replica, actual } of await readReplicas(coolify, spec, environment)) {
    const own = differences.filter(({ part }) => part === replica.name);
    if (actual === null || own.length === 0) continue;
    const path = `/applications/${actual.application.uuid}`;
    const reset = resetFields(undeclaredSettings(actual.application).map(({ name }) => name));
    if (Object.keys(reset).length > 0) await coolify.send({ method: "PATCH", path, body: reset }, z.unknown());
    const unknown = own.some(({ kind }) => kind === "answer") || markOf(actual.application) === null;
    const description = ownerMark({
      owner: spec.owner,
      revision: null,
      serves: unknown ? null : digestOf(spec.image),
    });
    const { custom_labels } = planReplica(spec, replica, values, actual).patch;
    await coolify.send({ method: "PATCH", path, body: { description, custom_labels } }, z.unknown());
  }
}
