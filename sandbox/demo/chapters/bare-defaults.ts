import { setTimeout as wait } from "node:timers/promises";
import type { Progress } from "../../../operations/progress.ts";
import { createBareApplication } from "../bare-application.ts";
import { assert, claim, type Claim } from "../claim.ts";
import { backendUsers, loadFigures, underLoadOf } from "../load.ts";
import type { Stage } from "../stage.ts";

/** As long as our own release is under load after its switch, at least: the drain, the smoke test and the ledger. */
const afterSwitchMs = 10_000;

/**
 * The same two releases, under the same load on the backend, with Coolify as it comes: a domain, no health check, no labels of ours, and an application that closes at
 * once. The platform has to be able to hurt, or our zero says nothing.
 */
export async function bareDefaults(stage: Stage, progress: Progress): Promise<Claim[]> {
  const [first, second] = stage.releases;
  assert(first !== undefined && second !== undefined);
  const { images } = second.record;
  const bare = await progress.step("release-1 with bare Coolify defaults", async (inner) => {
    const image = first.record.images.backend;
    const created = await createBareApplication(stage, { host: "bare.affexai.localhost", image }, inner);
    await created.release(image);
    await created.expectRelease(first.record.id);
    return created;
  });
  const { load } = await underLoadOf(stage, [backendUsers(bare.url)], () =>
    progress.step("release-2 with bare Coolify defaults, under load", async (inner) => {
      await bare.release(images.backend);
      await bare.expectRelease(second.record.id);
      inner.note(`the load goes on for ${afterSwitchMs / 1000} s after the switch`);
      await wait(afterSwitchMs, undefined, { signal: stage.signal });
    }),
  );
  const crash = await progress.step("a release that crashes at start, with bare Coolify defaults", async () => {
    await bare.setVariable("DATABASE_URL", "not-a-url");
    return bare.release(images.backend);
  });
  const afterCrash = await bare.answers();
  await bare.remove();
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
