import assert from "node:assert/strict";
import { noBuildTimeVariables } from "../../policy/no-build-time-variables.ts";
import { application, withProperty } from "./declared.ts";
import { unknown, violations } from "./violations.ts";

describe("no-build-time-variables", () => {
  it("allows variables that are read at run time", async () => {
    assert.deepEqual(await violations(noBuildTimeVariables, application), []);
    const near = withProperty(application, "variables.PUBLIC_NEXT_PUBLIC_", "https://api.affexai.com");
    assert.deepEqual(await violations(noBuildTimeVariables, near), []);
  });

  for (const path of [
    "variables.NEXT_PUBLIC_API_URL",
    "secretVariables.NEXT_PUBLIC_KEY",
    "variables.VITE_API_URL",
    "variables.REACT_APP_API_URL",
  ]) {
    for (const value of ["https://api.affexai.com", unknown]) {
      it(`refuses ${path}, ${value === unknown ? "whatever a preview cannot know of it" : "with a value"}`, async () => {
        assert.deepEqual(await violations(noBuildTimeVariables, withProperty(application, path, value)), [
          `backend: ${path} has no effect on a built image: bundlers read it when they build.`,
        ]);
      });
    }
  }

  it("refuses variables of which a preview does not know the names", async () => {
    const [message] = await violations(noBuildTimeVariables, withProperty(application, "variables", unknown));
    assert.match(message ?? "", /can't be known during preview/);
  });
});
