import assert from "node:assert/strict";
import { complaints, holders, isQueueFull, refusalScope, remedy } from "../../../operations/coolify/remedy.ts";

const patch = { method: "PATCH", path: "/applications/a1" } as const;
const deploy = { method: "POST", path: "/deploy" } as const;

describe("what to do about an answer of Coolify's", () => {
  it("names the release that knows a field which this one refuses", () => {
    const body = {
      message: "Validation failed.",
      errors: { max_restart_count: ["This field is not allowed."], colour: "This field is not allowed." },
    };
    assert.equal(
      remedy(patch, 422, body, [4, 2, 1]),
      "max_restart_count is known from Coolify 4.3.0; this one is 4.2.1: upgrade Coolify.",
    );
    assert.match(remedy(patch, 422, body, [4, 4, 7]), /^Correct the named fields/);
    assert.deepEqual(complaints(body), [
      "max_restart_count: This field is not allowed.",
      "colour: This field is not allowed.",
    ]);
  });

  it("says who holds a domain", () => {
    const body = {
      message: "Domain conflicts detected.",
      conflicts: [
        { domain: "api.affexai.com", resource_name: "shop", resource_uuid: "x1", resource_type: "application" },
      ],
    };
    assert.deepEqual(holders(body), ["api.affexai.com is held by application shop (x1)"]);
    assert.match(remedy(patch, 409, body, undefined), /^Take the domain away from what holds it/);
    assert.match(remedy(patch, 409, { message: "Busy." }, undefined), /the resource is busy/);
  });

  for (const [message, expected, scope] of [
    ["API is disabled.", /^Turn on API access/, "all"],
    ["You are not allowed to access the API.", /^Add this machine's address/, "all"],
    ["Missing required team role.", /^Make the token as an owner or admin/, "all"],
    ["Missing required permissions: deploy", /^Make a token that has deploy /, "deploy"],
    ["Missing required permissions: read:sensitive", /^Make a token that has read:sensitive /, "read:sensitive"],
    ["This action is unauthorized.", /^Look at what the token may do/, "all"],
  ] as const) {
    it(`tells the refusals apart: ${message}`, () => {
      assert.match(remedy(patch, 403, { message }, undefined), expected);
      assert.equal(refusalScope(403, { message }), scope);
    });
  }

  it("tells a full deployment queue from the limit of requests", () => {
    const full = { message: "Deployment queue is full. Please wait for existing deployments to complete." };
    assert.ok(isQueueFull(deploy, full));
    assert.match(remedy(deploy, 429, full, undefined), /^Wait for deployments on this server to end/);
    assert.ok(!isQueueFull(deploy, { message: "Too Many Attempts." }));
    assert.match(remedy(deploy, 429, { message: "Too Many Attempts." }, undefined), /^Wait a minute/);
  });

  it("says what is missing in a request that does not fit", () => {
    const message = "Server has multiple destinations and you do not set destination_uuid.";
    assert.match(remedy(patch, 400, { message }, undefined), /in the setting `destination`/);
  });
});
