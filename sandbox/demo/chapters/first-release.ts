import type { Progress } from "../../../operations/progress.ts";
import { assert, claim, type Claim } from "../claim.ts";
import { pulumiOn, serving, upArguments, type Stage } from "../stage.ts";

/** `pulumi up` of the first release on an empty platform: buckets, databases, roles, migrations, applications, ledger. */
export async function firstRelease(stage: Stage, progress: Progress): Promise<Claim> {
  const [first] = stage.releases;
  assert(first !== undefined);
  const up = await progress.step("pulumi up release-1", (inner) => pulumiOn(stage, upArguments, first.file, inner));
  if (!up.ok) progress.note(up.output.slice(-4000));
  return claim(
    "the first release serves, from nothing",
    {
      pulumiExitCode: up.exitCode,
      seconds: Math.round(up.seconds),
      backend: await serving(stage.urls.backend, stage.signal),
      frontend: await serving(stage.urls.frontend, stage.signal),
    },
    ({ pulumiExitCode, backend, frontend }) => {
      assert.equal(pulumiExitCode, 0, up.output.slice(-4000));
      assert.equal(backend, answerOf(first.record, "backend"));
      assert.equal(frontend, answerOf(first.record, "frontend"));
    },
  );
}

/** What an application of a release answers on its version path. */
export function answerOf(
  record: { id: string; images: { backend: string; frontend: string } },
  application: "backend" | "frontend",
): string {
  return `${record.id} ${record.images[application].replace(/^.*@/, "")}`;
}
