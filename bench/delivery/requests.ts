import { recordRequests } from "../../sandbox/coolify/recording-proxy.ts";
import { atMost, reported, type Figure } from "../figure.ts";
import { other } from "./ours.ts";
import type { Platform } from "./platform.ts";

/** How many requests a rollout asks of Coolify: unchanged, and moved to another release. */
export async function requestFigures(platform: Platform): Promise<Figure[]> {
  const unchanged = await counted(platform, () => platform.spec());
  const changed = await counted(platform, () => platform.moved(other(platform)));
  const { replicas } = platform.spec();
  const polls = changed.filter(isPoll).length;
  return [
    atMost(`Coolify requests, unchanged application with ${replicas} replicas`, unchanged.length, "", 4),
    atMost(
      `Coolify requests, changed application with ${replicas} replicas, polling aside`,
      changed.length - polls,
      "",
      8 + 6 * replicas,
    ),
    reported("Coolify requests, changed application, polls", polls, ""),
  ];
}

/** The end of a deployment, or a quiet queue, is asked for until it is there. */
export function isPoll(request: string): boolean {
  return /^GET .*\/deployments\//.test(request);
}

async function counted(platform: Platform, spec: () => ReturnType<Platform["spec"]>): Promise<string[]> {
  const traffic = await recordRequests(platform.stage.env.COOLIFY_URL ?? "");
  try {
    const ended = await platform.apply(spec(), { coolifyUrl: traffic.url });
    if (ended.exitCode !== 0) throw new Error(`application apply failed:\n${ended.stderr.slice(-3000)}`);
    return traffic.requests;
  } finally {
    await traffic.close();
  }
}
