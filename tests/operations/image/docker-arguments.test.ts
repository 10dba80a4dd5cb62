import assert from "node:assert/strict";
import { dockerListArguments, dockerRunArguments } from "../../../operations/image/docker-arguments.ts";

describe("docker's arguments", () => {
  it("run Node in the image on the host's network, with variables by name only", () => {
    const image = `ghcr.io/o/app@sha256:${"0".repeat(64)}`;
    const variables = ["DATABASE_URL", "SPEC"];
    assert.deepEqual(
      dockerRunArguments({
        runId: "m-1",
        image,
        nodePath: "/nodejs/bin/node",
        argv: ["-", "up"],
        network: "host",
        variables,
      }),
      // prettier-ignore
      [
        "run", "--rm", "--interactive", "--pull", "never", "--network", "host",
        "--name", "affexai-run-m-1", "--label", "io.affexai.run=m-1",
        "--entrypoint", "/nodejs/bin/node",
        "--env", "DATABASE_URL", "--env", "SPEC",
        image, "-", "up",
      ],
    );
  });

  it("find a run's containers by the same label", () => {
    assert.deepEqual(dockerListArguments("m-1").at(-1), "label=io.affexai.run=m-1");
  });
});
