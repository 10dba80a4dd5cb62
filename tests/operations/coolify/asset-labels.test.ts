import assert from "node:assert/strict";
import { assetLabels } from "../../../operations/coolify/asset-labels.ts";
import { nextPriority, raised, traefikLabels, type Routing } from "../../../operations/coolify/labels.ts";

const routing: Routing = {
  environment: "production",
  name: "frontend",
  hosts: ["affexai.com", "www.affexai.com"],
  tls: false,
  port: 3000,
  healthPath: "/health",
};
const application = { ...routing, hosts: [...routing.hosts] };
const assets = { pathPrefix: "/_next/static/", query: "dpl", id: "0123456789abcdef" };
const nameIn = (labels: readonly string[]) => /^traefik\.http\.routers\.([^.]+)\./.exec(labels[0] ?? "")?.[1] ?? "";

describe("the routes of a build's files", () => {
  it("lead requests that name the build to its containers, without a check that would end with their drain", () => {
    const labels = assetLabels({ ...application, assets });
    const name = nameIn(labels);
    assert.match(name, /^production-frontend-assets-[0-9a-f]{10}$/);
    assert.deepEqual(labels, [
      `traefik.http.routers.${name}.rule=(Host(\`affexai.com\`) || Host(\`www.affexai.com\`)) && PathPrefix(\`/_next/static/\`) && Query(\`dpl\`, \`0123456789abcdef\`)`,
      `traefik.http.routers.${name}.entrypoints=http`,
      `traefik.http.routers.${name}.service=${name}`,
      `traefik.http.routers.${name}.priority=1000000`,
      `traefik.http.routers.${name}.middlewares=${name}-retry`,
      `traefik.http.services.${name}.loadbalancer.server.port=3000`,
      `traefik.http.middlewares.${name}-retry.retry.attempts=10`,
      `traefik.http.middlewares.${name}-retry.retry.initialinterval=100ms`,
    ]);
  });

  it("have a name of their own for each build and each definition", () => {
    const name = nameIn(assetLabels({ ...application, assets }));
    for (const other of [{ assets: { ...assets, id: "other" } }, { port: 3001 }, { hosts: ["x.affexai.com"] }]) {
      assert.notEqual(nameIn(assetLabels({ ...application, assets, ...other })), name, JSON.stringify(other));
    }
    const secure = assetLabels({ ...application, tls: true, assets });
    assert.ok(secure.includes(`traefik.http.routers.${nameIn(secure)}.entrypoints=https`));
    assert.ok(secure.includes(`traefik.http.routers.${nameIn(secure)}.tls=true`));
  });

  it("are none for an application whose pages name no build, and for a worker", () => {
    assert.deepEqual(assetLabels(application), []);
    assert.deepEqual(assetLabels({ ...application, hosts: [], assets }), []);
  });

  it("leave priorities alone, and are left alone when a definition is raised above another", () => {
    const own = assetLabels({ ...application, assets });
    const labels = [...traefikLabels(routing, { id: "1-a", priority: 1007 }), ...own];
    assert.equal(nextPriority(routing, labels), 1007);
    assert.equal(nextPriority({ ...routing, port: 3001 }, labels), 1008);
    const after = raised(labels, 1009);
    assert.deepEqual(after.slice(-own.length), own);
    assert.equal(after.filter((label) => label.includes("-1009")).length > 3, true);
  });
});
