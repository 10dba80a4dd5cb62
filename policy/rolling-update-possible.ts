import { z } from "zod";
import { CoolifyApplication } from "../components/coolify-application.ts";
import { Drain, drainProblems } from "../operations/drain/spec.ts";
import { judge, rule } from "./judge.ts";

const Rollout = z.object({
  replicas: z.int().min(1),
  drain: Drain,
  stopGracePeriodSeconds: z.number(),
  hosts: z.array(z.unknown()),
});

/** An old container must go on serving until nobody asks it any more; otherwise each release loses requests. */
export const rollingUpdatePossible = rule(
  {
    name: "rolling-update-possible",
    description: "A replica can be replaced without losing a request.",
    severity: "high",
    remediationSteps: "Set each time to what the message computes: they hold together or not at all.",
  },
  judge(CoolifyApplication, (props, refuse) => {
    const rollout = Rollout.safeParse({
      replicas: props["replicas"],
      drain: props["drain"],
      stopGracePeriodSeconds: props["stopGracePeriodSeconds"],
      hosts: props["hosts"],
    });
    if (!rollout.success) {
      for (const { path } of rollout.error.issues) refuse(`${path.join(".")} must be given; replicas at least 1.`);
      return;
    }
    const { hosts, ...end } = rollout.data;
    for (const problem of drainProblems({ ...end, routed: hosts.length > 0 })) refuse(problem);
  }),
);
