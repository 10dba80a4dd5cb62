import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../../operations/verb.ts";
import { recordRequests } from "../../sandbox/coolify/recording-proxy.ts";
import { buildImage } from "../../sandbox/images/build.ts";
import { pushImage } from "../../sandbox/images/push.ts";
import { atMost, reported, type Figure } from "../figure.ts";
import { type Platform } from "./platform.ts";

const applications = 20;
const replicas = 3;
const perMinute = 200;
const minuteMs = 60_000;

/** Many applications at once, each by a verb of its own, as the engine runs them: together they stay within Coolify's limit. */
export async function fleetFigures(platform: Platform, { progress }: Context): Promise<Figure[]> {
  const traffic = await recordRequests(platform.stage.env.COOLIFY_URL ?? "");
  try {
    const image = await tinyImage(platform);
    const before = platform.spec();
    const began = performance.now();
    const specs = Array.from({ length: applications }, (_, index) => {
      const name = `fleet-${index + 1}`;
      return platform.moved(
        { release: "tiny", image },
        {
          ...{ name, owner: name, replicas, port: 3000, hosts: [`${name}.affexai.localhost`] },
          health: { path: "/", intervalSeconds: 5, timeoutSeconds: 3, retries: 24, startPeriodSeconds: 1 },
          drain: { readySeconds: 0, drainSeconds: 0 },
          ...{ limits: {}, secretVariables: [], rolloutTimeoutSeconds: 600 },
          variables: { AFFEXAI_IMAGE_DIGEST: image.slice(image.indexOf("@") + 1), PORT: "3000" },
          ledger: { ...before.ledger, environment: name },
        },
      );
    });
    const ended = await Promise.all(
      specs.map(async (spec) => {
        const result = await platform.applyBeside(spec, { coolifyUrl: traffic.url });
        progress.note(`${spec.name}: exit code ${result.exitCode} after ${result.seconds.toFixed(0)} s`);
        if (result.exitCode !== 0) progress.note(result.stderr.slice(-1500));
        return result;
      }),
    );
    const name = `${applications} applications x ${replicas} replicas`;
    return [
      reported(`${name}: time`, (performance.now() - began) / 1000, "s"),
      reported(`${name}: Coolify requests`, traffic.requests.length, ""),
      atMost(
        `${name}: applications that did not converge`,
        ended.filter(({ exitCode }) => exitCode !== 0).length,
        "",
        0,
      ),
      atMost(
        `${name}: Coolify requests refused by the limit`,
        traffic.statuses.filter((status) => status === 429).length,
        "",
        0,
      ),
      atMost(`${name}: Coolify requests in any minute`, mostWithin(traffic.times, minuteMs), "", perMinute),
    ];
  } finally {
    await traffic.close();
  }
}

/** The most of ascending times that lie within one span. */
export function mostWithin(times: readonly number[], span: number): number {
  let [most, first] = [0, 0];
  for (const [index, time] of times.entries()) {
    while (time - (times[first] ?? time) >= span) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

async function tinyImage({ stage, spec }: Platform): Promise<string> {
  const context = join(stage.folder, "tiny");
  await mkdir(context, { recursive: true });
  await writeFile(join(context, "main.mjs"), program);
  const dockerfile = join(context, "Dockerfile");
  await writeFile(dockerfile, 'FROM node:24-alpine\nWORKDIR /app\nCOPY main.mjs ./\nCMD ["node", "main.mjs"]\n');
  const image = await buildImage({ context, dockerfile, cacheDir: join(stage.folder, "layers") });
  const registry = spec().image.replace(/\/.*$/, "");
  const auth = { username: stage.env.REGISTRY_USERNAME ?? "", password: stage.env.REGISTRY_PASSWORD ?? "" };
  const { reference } = await pushImage(image, { registry, repository: "affexai/tiny", tags: ["tiny"], auth });
  return reference;
}

const program = `
import { createServer } from "node:http";
const answer = JSON.stringify({ release: "tiny", digest: process.env.AFFEXAI_IMAGE_DIGEST, gitSha: "${"0".repeat(40)}" });
const server = createServer((request, response) => response.writeHead(200, { "content-type": "application/json" }).end(answer));
server.keepAliveTimeout = 95_000;
server.listen(3000);
process.on("SIGTERM", () => process.exit(0));
`;
