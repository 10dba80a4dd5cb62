import { askVersion } from "../release/smoke.ts";
import type { Context } from "../verb.ts";
import { waitFor } from "../wait.ts";
import { replicaHeader, replicaId } from "./labels.ts";
import { digestOf, type Replica } from "./plan.ts";
import type { ApplicationSpec } from "./spec.ts";

/** Where users reach the application; null for one without hosts. */
export function publicUrl({
  hosts: [host],
  tls,
  publicPort,
}: Pick<ApplicationSpec, "hosts" | "tls" | "publicPort">): string | null {
  if (host === undefined) return null;
  return `${tls ? "https" : "http"}://${host}${publicPort === undefined ? "" : `:${publicPort}`}`;
}

/** Waits until this very replica answers so many times in a row with the declared release and digest. */
export async function expectReplica(spec: ApplicationSpec, replica: Replica, context: Context): Promise<void> {
  // What answers for others tells no release of its own; for it and for a worker Coolify's health gate is the proof.
  if (spec.stamp === null) return;
  await expectAnswers(
    spec,
    { number: replica.number, digest: digestOf(spec.image), release: spec.stamp.id },
    {
      what: `${spec.name}, replica ${replica.number}, as ${spec.stamp.id}, ${digestOf(spec.image)}`,
      next: "Coolify says it runs, but it does not answer as this release: look at the application's log and the proxy's labels.",
    },
    context,
  );
}

/** The same for a replica that went back: its old release is not known, its old digest is. */
export async function expectDigest(
  spec: ApplicationSpec,
  replica: Replica,
  digest: string,
  context: Context,
): Promise<void> {
  await expectAnswers(
    spec,
    { number: replica.number, digest, release: null },
    { what: `${replica.name} at ${digest} again`, next: "Look at the application's log in Coolify." },
    context,
  );
}

async function expectAnswers(
  spec: ApplicationSpec,
  { number, digest, release }: { number: number; digest: string; release: string | null },
  words: { what: string; next: string },
  context: Context,
): Promise<void> {
  const url = publicUrl(spec);
  if (url === null) return;
  let inARow = 0;
  await waitFor<true>(
    {
      ...words,
      // How long a container that Coolify calls healthy may take until its own route answers.
      timeoutMs: Math.min(60_000, spec.rolloutTimeoutSeconds * 1000),
      intervalMs: 300,
      async look() {
        const seen = await askReplica(spec, number, digest, context);
        const right =
          typeof seen !== "string" && seen.digest === digest && (release === null || seen.release === release);
        inARow = right ? inARow + 1 : 0;
        if (inARow >= spec.gateAnswers) return { done: true, value: true };
        return { done: false, seen: typeof seen === "string" ? seen : `release ${seen.release}, ${seen.digest}` };
      },
    },
    context,
  );
}

/** What a replica at a digest answers on its own route; a string says why there was no answer. */
export async function askReplica(
  spec: ApplicationSpec,
  number: number,
  digest: string,
  { signal }: Pick<Context, "signal">,
): ReturnType<typeof askVersion> {
  const url = publicUrl(spec);
  if (url === null) return "it has no public route to ask";
  return askVersion(`${url}${spec.versionPath}`, signal, { [replicaHeader]: replicaId(number, digest) });
}
