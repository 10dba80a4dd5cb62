import assert from "node:assert/strict";
import { ContainerImage } from "../../components/container-image.ts";
import { deploy, mockEngine, valueOf } from "../pulumi.ts";

const digest = `sha256:${"a".repeat(64)}`;
const image = `ghcr.io/affexai/backend@${digest}`;

describe("a container image", () => {
  it("by reference is what the registry still holds under that digest", async () => {
    const asked: unknown[] = [];
    const engine = await mockEngine({
      functions: {
        "docker:index/getRegistryImage:getRegistryImage": (inputs) => (asked.push(inputs), { sha256Digest: digest }),
      },
    });
    const made = await deploy(() => new ContainerImage("backend-image", { mode: "reference", image }));
    assert.equal(await valueOf(made.reference), image);
    assert.deepEqual(asked, [{ name: image }]);
    assert.deepEqual(engine.shape(), ["affexai:delivery:ContainerImage::backend-image"]);
  });

  it("is refused when the registry answers another digest", async () => {
    await mockEngine({
      functions: {
        "docker:index/getRegistryImage:getRegistryImage": () => ({ sha256Digest: `sha256:${"b".repeat(64)}` }),
      },
    });
    await assert.rejects(
      deploy(() => new ContainerImage("backend-image", { mode: "reference", image })),
      /the registry answers sha256:b+ for/,
    );
  });

  it("that the registry does not hold is refused in a preview, with what to do", async () => {
    await mockEngine({
      preview: true,
      functions: {
        "docker:index/getRegistryImage:getRegistryImage": () => {
          throw Object.assign(new Error("as gRPC gives it"), {
            details: 'bad response from registry: "404 Not Found"',
          });
        },
      },
    });
    await assert.rejects(
      deploy(() => new ContainerImage("backend-image", { mode: "reference", image })),
      /the registry does not give ghcr\.io\/affexai\/backend@sha256:a+ \(.*404 Not Found.*\)\. Push it again, or name a release/,
    );
  });

  for (const wrong of [
    "ghcr.io/affexai/backend:latest",
    "ghcr.io/affexai/backend@sha256:abc",
    "ghcr.io/affexai/backend",
  ]) {
    it(`is refused by the name ${wrong}, and the registry is not asked`, async () => {
      await mockEngine();
      await assert.rejects(
        deploy(() => new ContainerImage("backend-image", { mode: "reference", image: wrong })),
        /must end in @sha256:<64 hex digits>/,
      );
    });
  }

  it("that is built here is pushed under its tag, known by its digest, and outlives the program", async () => {
    const engine = await mockEngine();
    const made = await deploy(
      () =>
        new ContainerImage("backend-image", {
          mode: "build",
          tag: "ghcr.io/affexai/backend:1.2.3",
          context: "apps/backend",
          dockerfile: "apps/backend/Dockerfile",
          buildArgs: { VERSION: "1.2.3" },
        }),
    );
    const { inputs, retainOnDelete } = engine.named("backend-image-build");
    assert.deepEqual(inputs, {
      imageName: "ghcr.io/affexai/backend:1.2.3",
      build: {
        context: "apps/backend",
        dockerfile: "apps/backend/Dockerfile",
        platform: "linux/amd64",
        args: { VERSION: "1.2.3" },
      },
      buildOnPreview: false,
      skipPush: false,
    });
    assert.ok(retainOnDelete);
    assert.equal(await valueOf(made.reference), `ghcr.io/affexai/built@sha256:${"b".repeat(64)}`);
  });
});
