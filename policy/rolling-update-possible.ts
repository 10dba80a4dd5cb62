import { z } from "zod";
import { CoolifyApplication } from "../components/coolify-application.ts";
import { judge, rule } from "./judge.ts";

/** The proxy hears of a stopping container up to 2 s late, and asks it once more a second. */
const leastReadySeconds = 3;

const Rollout = z.object({
  replicas: z.int().min(1),
  drain: z.object({ readySeconds: z.number(), drainSeconds: z.number() }),
  stopGracePeriodSeconds: z.number(),
});

/** An old container must go on serving until nobody asks it any more; otherwise each release loses requests. */
export const rollingUpdatePossible = rule(
  {
    name: "rolling-update-possible",
    description: "A replica can be replaced without losing a request.",
    severity: "high",
    remediationSteps: "Stay ready for 3 s after SIGTERM, serve on for a while, and allow more time than both to stop.",
  },
  judge(CoolifyApplication, (props, refuse) => {
    const rollout = Rollout.safeParse({
      replicas: props["replicas"],
      drain: props["drain"],
      stopGracePeriodSeconds: props["stopGracePeriodSeconds"],
    });
    if (!rollout.success) {
      for (const { path } of rollout.error.issues) refuse(`${path.join(".")} must be given; replicas at least 1.`);
      return;
    }
    const { drain, stopGracePeriodSeconds } = rollout.data;
    if (drain.readySeconds < leastReadySeconds) refuse(`drain.readySeconds must be at least ${leastReadySeconds}.`);
    if (drain.drainSeconds < 1) refuse("drain.drainSeconds must be at least 1.");
    if (stopGracePeriodSeconds <= drain.readySeconds + drain.drainSeconds) {
      refuse("stopGracePeriodSeconds must be above drain.readySeconds + drain.drainSeconds: Docker kills after it.");
    }
  }),
);
