import assert from "node:assert/strict";
import { adoptionProblems, refuseForeign } from "../../../operations/coolify/adoption.ts";
import type { Application } from "../../../operations/coolify/answers.ts";
import { hostsOf, takenHosts } from "../../../operations/coolify/hosts.ts";
import { encodeLabels } from "../../../operations/coolify/plan.ts";

const owner = "affexai/production/backend";
const hosts = ["api.affexai.com"];
const application = (change: Partial<Application> = {}): Application => ({
  ...{ uuid: "a1", name: "backend", build_pack: "dockerimage", fqdn: null, description: null },
  ...change,
});
const mark = (whose: string) => `affexai owner=${whose} revision=none`;
const labels = (...lines: string[]) => encodeLabels(lines);

describe("the hosts of an application", () => {
  it("are its domains and the Host rules of its labels, encoded or plain, each once", () => {
    assert.deepEqual(
      hostsOf(application({ fqdn: "https://API.affexai.com:3001,http://www.affexai.com/path,nonsense" })),
      ["api.affexai.com", "www.affexai.com"],
    );
    const rule =
      "traefik.http.routers.x.rule=(Host(`a.example`) || Host(`b.example`, `c.example`)) && PathPrefix(`/d`)";
    assert.deepEqual(hostsOf(application({ custom_labels: labels(rule, "traefik.enable=true") })), [
      "a.example",
      "b.example",
      "c.example",
    ]);
    assert.deepEqual(hostsOf(application({ custom_labels: rule })), ["a.example", "b.example", "c.example"]);
  });

  it("are taken when an application of others is routed by them, in any environment", () => {
    const held = { fqdn: "https://api.affexai.com" };
    const ours = application({ description: mark(owner), ...held });
    const standby = application({ uuid: "a2", name: "page", description: mark("affexai/production/page"), ...held });
    const other = application({ uuid: "b1", name: "shop", ...held });
    const staging = application({ uuid: "b2", name: "backend", description: mark("affexai/staging/backend"), ...held });
    const taken = (environment: Application[]) =>
      takenHosts([ours, standby, other, staging], { hosts, owner }, environment).map(({ uuid }) => uuid);
    assert.deepEqual(taken([ours, standby]), ["b1", "b2"]);
    assert.deepEqual(taken([ours, standby, other]), ["b1", "b2"], "made by hand beside ours is not ours");
    assert.deepEqual(takenHosts([other], { hosts, owner, names: ["shop"] }, [other]), [], "about to be adopted");
    assert.deepEqual(takenHosts([other], { hosts: ["affexai.com"], owner }, []), []);
  });
});

describe("the adoption of an application by its name", () => {
  const problems = (change: Partial<Application>) => adoptionProblems({ owner, hosts }, application(change));

  it("takes what this stack manages, renamed or not, and what an older version of it marked", () => {
    for (const whose of [owner, "affexai/production/api", "backend"]) {
      assert.deepEqual(problems({ description: mark(whose), ports_mappings: "80:80" }), [], whose);
    }
  });

  it("takes an image that was made by hand and serves nothing but our hosts", () => {
    assert.deepEqual(problems({}), []);
    assert.deepEqual(problems({ description: "the shop's API", fqdn: "https://api.affexai.com" }), []);
  });

  it("leaves what another stack or program manages", () => {
    assert.deepEqual(problems({ description: mark("affexai/staging/backend") }), [
      "is managed by affexai/staging/backend",
    ]);
    assert.deepEqual(problems({ description: mark("shop/production/backend") }), [
      "is managed by shop/production/backend",
    ]);
  });

  it("leaves what was made by hand and is more than that, with every reason", () => {
    assert.deepEqual(
      problems({
        build_pack: "nixpacks",
        fqdn: "https://www.example.com",
        ports_mappings: "8080:80",
        custom_docker_run_options: "--ip 10.0.0.7",
        settings: { is_consistent_container_name_enabled: true, custom_internal_name: "db-proxy" },
      }),
      [
        "is built by Coolify (nixpacks) instead of being an image",
        "serves www.example.com",
        "has the host ports 8080:80",
        "has a consistent container name",
        "has the container name db-proxy",
        'has the docker options "--ip 10.0.0.7"',
      ],
    );
  });

  it("is refused for all of them at once", () => {
    const found = [application({ ports_mappings: "80:80" }), application({ uuid: "a2", description: mark("x/y/z") })];
    assert.throws(() => refuseForeign({ owner, hosts }, found), {
      kind: "refused",
      message: /backend \(a1\) has the host ports 80:80; backend \(a2\) is managed by x\/y\/z\. Rename or delete it/,
    });
  });
});
