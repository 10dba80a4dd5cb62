import { z } from "zod";
import type { Progress } from "../../../operations/progress.ts";
import { readPreview } from "../../../operations/pulumi.ts";
import { worstClass } from "../../../operations/migration/classify.ts";
import { MigrationSpec } from "../../../operations/migration/spec.ts";
import { assert, claim, type Claim } from "../claim.ts";
import { pulumiOn, type Stage } from "../stage.ts";

const Stdin = z.string().transform((text) => JSON.parse(text) as unknown);

/** `pulumi preview` of the second release: which digests, which statements at which risk, and that the policies pass. */
export async function previewRelease(stage: Stage, progress: Progress): Promise<Claim> {
  const [, second] = stage.releases;
  assert(second !== undefined);
  const run = await progress.step("pulumi preview release-2", (inner) =>
    pulumiOn(stage, ["preview", "--json", "--policy-pack", "policy"], second.file, inner),
  );
  assert(run.ok, run.output.slice(-4000));
  const { steps } = readPreview(run);
  const migration = steps.find(({ urn }) => urn.endsWith("::migration-run"));
  const spec = MigrationSpec.parse(Stdin.parse(migration?.newState?.inputs?.stdin));
  const pending = spec.record.migrations.filter(
    ({ name }) => !stage.releases[0]?.record.migrations.some((known) => known.name === name),
  );
  for (const { name, class: risk, statements } of pending) {
    progress.note(`${name} (${risk})`);
    for (const statement of statements) progress.note(`  ${statement.replaceAll(/\s+/g, " ")}`);
  }
  const changed = steps.filter(({ op }) => op === "update").map(({ urn }) => urn.slice(urn.lastIndexOf("::") + 2));
  return claim(
    "the preview shows digests, migrations with their SQL and class, and the policies' verdict",
    {
      seconds: Math.round(run.seconds),
      image: spec.image,
      pendingMigrations: pending.length,
      statements: pending.reduce((sum, { statements }) => sum + statements.length, 0),
      worstClass: worstClass(pending),
      changed: changed.join(" "),
      policies: run.ok ? "passed" : "violated",
    },
    ({ pendingMigrations, statements, image, worstClass: worst }) => {
      assert(pendingMigrations > 0);
      assert.equal(worst, "WARN", "release-2 adds what takes a lock for a moment");
      assert(statements > 0);
      assert.equal(image, second.record.images.backend);
      for (const name of [
        "backend-apply",
        "frontend-apply",
        "migration-run",
        "smoke-test-run",
        "ledger-entry-record",
      ]) {
        assert(changed.includes(name), `${name} is not among the changes: ${changed.join(" ")}`);
      }
    },
  );
}
