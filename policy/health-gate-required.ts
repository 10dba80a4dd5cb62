import { CoolifyApplication } from "../components/coolify-application.ts";
import { HealthGate } from "../operations/coolify/spec.ts";
import { judge, rule } from "./judge.ts";

/** Without a gate Coolify calls a crashing release finished, and stops the one that worked. */
export const healthGateRequired = rule(
  {
    name: "health-gate-required",
    description: "An application has a health gate that it can fail.",
    severity: "high",
    remediationSteps: "Give `health` a path of its own, and limits that end before the rollout gives up.",
  },
  judge(CoolifyApplication, (props, refuse) => {
    const gate = HealthGate.safeParse(props["health"]);
    if (!gate.success)
      return refuse("health must say path, intervalSeconds, timeoutSeconds, retries, startPeriodSeconds.");
    const { path, intervalSeconds, retries, startPeriodSeconds } = gate.data;
    if (path === "/") refuse("health.path must be a path of its own: any page answers on /.");
    const limit = props["rolloutTimeoutSeconds"];
    if (typeof limit !== "number") return refuse("rolloutTimeoutSeconds must be a number.");
    if (startPeriodSeconds + intervalSeconds * retries >= limit) {
      refuse("health must give its verdict before rolloutTimeoutSeconds has passed.");
    }
  }),
);
