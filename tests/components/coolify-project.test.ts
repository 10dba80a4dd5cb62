import assert from "node:assert/strict";
import { CoolifyProject } from "../../components/coolify-project.ts";
import { deploy, mockEngine, valueOf } from "../pulumi.ts";
import { placement, specOf } from "./placement.ts";

describe("a Coolify project", () => {
  it("is applied by its name, without the registry's password", async () => {
    const engine = await mockEngine({ outputs: { "project-apply": { stdout: JSON.stringify(placement) } } });
    const project = await deploy(
      () =>
        new CoolifyProject("project", {
          project: "affexai",
          environment: "staging",
          server: "staging-1",
          team: "delivery",
          applications: [{ name: "backend", hosts: ["api.staging.affexai.com"] }],
          registry: { host: "ghcr.io", username: "deploy" },
        }),
    );
    assert.deepEqual(engine.shape(), [
      "affexai:coolify:CoolifyProject$command:local:Command::project-apply",
      "affexai:coolify:CoolifyProject::project",
    ]);
    assert.deepEqual(specOf(engine.named("project-apply")), {
      owner: "affexai/test/project",
      name: "affexai",
      environment: "staging",
      server: "staging-1",
      team: "delivery",
      applications: [{ name: "backend", hosts: ["api.staging.affexai.com"] }],
      registry: { host: "ghcr.io", username: "deploy" },
    });
    assert.equal(engine.named("project-apply").inputs["environment"], undefined);
    assert.deepEqual(await valueOf(project.placement), placement);
  });
});
