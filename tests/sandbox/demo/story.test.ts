import assert from "node:assert/strict";
import { peers } from "../../../sandbox/demo/peers.ts";
import { describeDemo } from "../../../sandbox/demo/story.ts";

describe("the demo's table", () => {
  const claims = [{ name: "a release under load loses no request", ok: true, figures: { sent: 900, failed: 0 } }];

  it("stands beside what others publish, each with its source", () => {
    const text = describeDemo({ ok: true, claims }, null);
    assert.ok(peers.length >= 4);
    for (const { peer, figure, source } of peers) {
      assert.equal(new URL(source).protocol, "https:");
      assert.ok(text.includes(peer) && text.includes(figure) && text.includes(source), peer);
    }
    assert.match(text, /a release under load loses no request\n +sent 900 · failed 0/);
    assert.doesNotMatch(text, /keeps running/);
  });

  it("ends with the way into a platform that was kept, as it was set", () => {
    const stage = {
      env: { AFFEXAI_SANDBOX_PORT: "7400" },
      signal: new AbortController().signal,
      urls: { backend: "http://api.affexai.localhost:7400", frontend: "http://affexai.localhost:7400" },
      folder: "/state/elsewhere",
      stack: "sandbox",
      releases: [],
    } as const;
    const text = describeDemo({ ok: true, claims }, stage);
    assert.match(text, /The site: http:\/\/affexai\.localhost:7400\/ .*http:\/\/api\.affexai\.localhost:7400\/version/);
    assert.match(
      text,
      /export AFFEXAI_SANDBOX_DIR=\S*state\/elsewhere AFFEXAI_SANDBOX_PORT=7400; eval "\$\(\.\/affexai sandbox env\)"/,
    );
  });
});
