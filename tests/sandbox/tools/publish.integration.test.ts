import assert from "node:assert/strict";
import { publishTools } from "../../../sandbox/tools/publish.ts";
import { buildFolder } from "../../../sandbox/workload/build.ts";
import { openSite, type Site } from "../../operations/agent/site.ts";
import { openPlatform, type Platform } from "../../operations/coolify/platform.ts";
import { until } from "../coolify/fixture.ts";

describe("the tools image", () => {
  let platform: Platform;
  let site: Site;
  before(async () => {
    [platform, site] = await Promise.all([openPlatform(), openSite()]);
  });
  after(() => platform.close());

  it("runs the agent as a container on Coolify, which takes a backup and ends cleanly", async () => {
    const { workshop } = platform;
    const { registry, credentials, docker } = workshop;
    const publication = { registry, auth: credentials, dir: `${buildFolder}/tools` };
    const image = await publishTools(publication);
    const spec = platform.spec({
      name: "backup-agent",
      image: image.reference,
      stamp: null,
      hosts: [],
      port: 8080,
      health: { path: "/health/ready", intervalSeconds: 1, timeoutSeconds: 3, retries: 60, startPeriodSeconds: 1 },
      rolloutTimeoutSeconds: 90,
      variables: { ...inContainer(site.env), AFFEXAI_SERVE: "agent", PORT: "8080", BACKUP_CADENCE: "daily" },
      secretVariables: [],
    });
    const { uuid } = await platform.apply(spec);
    const [container] = await workshop.containers(uuid);
    assert.ok(container !== undefined);
    const address = Object.values(container.NetworkSettings.Networks)[0]?.IPAddress ?? "";
    await until("a backup by the container", async () => (await site.backups("daily")).length === 1);
    const version: unknown = await (await fetch(`http://${address}:8080/version`)).json();
    assert.deepEqual(Object.keys(version as object), ["release", "digest", "gitSha"]);
    assert.equal((version as { digest: string }).digest, image.digest);
    // At most the sources, if somebody edits them at this moment.
    assert.ok((await publishTools(publication)).sentBytes < 1_000_000, "published again, the packages are not sent");
    await docker.getContainer(container.Id).stop({ t: 20 });
    const { State } = await docker.getContainer(container.Id).inspect();
    assert.deepEqual([State.Status, State.ExitCode], ["exited", 0]);
  });
});

/** In a container 127.0.0.1 is the container; the machine's services have names below sandbox.localhost. */
function inContainer(env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value.replace("127.0.0.1", "machine.sandbox.localhost")]),
  );
}
