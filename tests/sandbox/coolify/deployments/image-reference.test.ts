import assert from "node:assert/strict";
import {
  imageFormatProblems,
  parseOnCreate,
  renderReference,
} from "../../../../sandbox/coolify/deployments/image-reference.ts";

const hex = "ab".repeat(32);

describe("an image's name and tag in Coolify", () => {
  const cases: [title: string, name: string, tag: string | undefined, stored: { name: string; tag: string }][] = [
    ["keeps a plain tag", "ghcr.io/acme/shop", "1.2", { name: "ghcr.io/acme/shop", tag: "1.2" }],
    ["defaults to latest", "ghcr.io/acme/shop", undefined, { name: "ghcr.io/acme/shop", tag: "latest" }],
    ["takes the tag out of the name", "nginx:1.27", undefined, { name: "nginx", tag: "1.27" }],
    [
      "does not take a port for a tag",
      "localhost:5000/shop",
      undefined,
      { name: "localhost:5000/shop", tag: "latest" },
    ],
    ["keeps form A as it is", "ghcr.io/a/b", `sha256-${hex}`, { name: "ghcr.io/a/b", tag: `sha256-${hex}` }],
    [
      "rewrites a digest in the name to form B",
      `ghcr.io/a/b@sha256:${hex}`,
      undefined,
      { name: "ghcr.io/a/b@sha256", tag: hex },
    ],
    ["rewrites a bare hex tag to form B", "ghcr.io/a/b", hex, { name: "ghcr.io/a/b@sha256", tag: hex }],
    ["does not double the mark of form B", "ghcr.io/a/b@sha256", hex, { name: "ghcr.io/a/b@sha256", tag: hex }],
  ];
  for (const [title, name, tag, stored] of cases) {
    it(`${title} on create`, () => assert.deepEqual(parseOnCreate(name, tag), stored));
  }

  it("renders forms A and B as the same digest", () => {
    assert.equal(renderReference("ghcr.io/a/b", `sha256-${hex}`), `ghcr.io/a/b@sha256:${hex}`);
    assert.equal(renderReference("ghcr.io/a/b@sha256", hex), `ghcr.io/a/b@sha256:${hex}`);
  });

  it("renders a broken reference when form A is put onto a name of form B", () => {
    assert.equal(renderReference("ghcr.io/a/b@sha256", `sha256-${hex}`), `ghcr.io/a/b@sha256@sha256:${hex}`);
  });

  it("refuses a digest behind a colon, and capitals, on create", () => {
    assert.match(imageFormatProblems(`shop:sha256:${hex}`)[0] ?? "", /must use @ before sha256 digest/);
    assert.match(imageFormatProblems("Shop")[0] ?? "", /format is invalid/);
    assert.deepEqual(imageFormatProblems(`ghcr.io/a/b@sha256:${hex}`), []);
  });
});
