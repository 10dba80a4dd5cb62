import { failAttemptOnError } from "../release/attempt.ts";
import { Ledger } from "../release/ledger.ts";
import { takeLease, type Lease } from "../release/lease.ts";
import { objectStorage } from "../storage.ts";
import type { Verb } from "../verb.ts";
import { admit } from "./admission.ts";
import { CoolifyClient } from "./client.ts";
import { moveAll } from "./move-all.ts";
import { digestOf } from "./plan.ts";
import { findReplicas } from "./replicas.ts";
import { publicUrl } from "./replica-route.ts";
import { retireSurplus } from "./retire.ts";
import { ApplicationResult, ApplicationSpec } from "./spec.ts";
import { variableValues } from "./variables.ts";

/**
 * Brings every replica of an application to one digest, one after another, never below the old count. When one fails, those that
 * have moved go back to what they were, and the error says what serves now. Replicas above the count go last.
 */
export const applyApplication: Verb<typeof ApplicationSpec, typeof ApplicationResult> = {
  spec: ApplicationSpec,
  result: ApplicationResult,
  async run(spec, context) {
    const values = variableValues(spec, context.env);
    const ledger = new Ledger(objectStorage(context.env), spec.ledger);
    const coolify = new CoolifyClient(context);
    const apply = async (lease: Lease | null) => {
      const { wanted, surplus, applications } = await findReplicas(coolify, spec);
      await admit(coolify, spec, applications);
      const rollout = { coolify, spec, values, applications, lease };
      const work = async (attempt: string | null) => {
        const uuids = await moveAll(rollout, wanted, context);
        await retireSurplus(rollout, surplus, context);
        return { attempt, uuids, url: publicUrl(spec), digest: digestOf(spec.image) };
      };
      if (spec.stamp === null) return work(null);
      const attempt = await ledger.joinAttempt(spec.stamp, `application apply ${spec.name}`);
      return failAttemptOnError(ledger, attempt, () => work(attempt));
    };
    if (spec.stamp === null) return apply(null);
    const what = { thing: `application ${spec.name}`, doing: `application apply, release ${spec.stamp.id}` };
    const lease = await takeLease(objectStorage(context.env), spec.ledger, what, context);
    try {
      return await apply(lease);
    } finally {
      await lease.release();
    }
  },
};
