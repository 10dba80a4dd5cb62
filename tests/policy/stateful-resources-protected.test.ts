import assert from "node:assert/strict";
import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { Command } from "@pulumi/command/local/command.js";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import { CoolifyApplication } from "../../components/coolify-application.ts";
import { PostgresDatabase } from "../../components/postgres-database.ts";
import { RedisCache } from "../../components/redis-cache.ts";
import { statefulResourcesProtected } from "../../policy/stateful-resources-protected.ts";
import { type Shown, unknown, violations } from "./violations.ts";

const refused = ["thing: protect must be true."];
const bucket: Shown = { resourceClass: Bucket, props: { bucket: "b" }, opts: { protect: true } };

describe("stateful-resources-protected", () => {
  it("allows a protected bucket, and refuses an unprotected one", async () => {
    assert.deepEqual(await violations(statefulResourcesProtected, bucket), []);
    assert.deepEqual(await violations(statefulResourcesProtected, { ...bucket, opts: {} }), refused);
  });

  it("refuses a bucket that is emptied to be destroyed, or may be", async () => {
    const destroyed = { ...bucket, props: { bucket: "b", forceDestroy: true } };
    assert.deepEqual(await violations(statefulResourcesProtected, destroyed), ["thing: forceDestroy must be false."]);
    const [message] = await violations(statefulResourcesProtected, { ...bucket, props: { forceDestroy: unknown } });
    assert.match(message ?? "", /forceDestroy can't be known during preview/);
  });

  for (const component of [PostgresDatabase, RedisCache]) {
    for (const resourceClass of [Command, RandomPassword]) {
      it(`refuses an unprotected ${resourceClass.name} of a ${component.name}, and allows a protected one`, async () => {
        const shown: Shown = { resourceClass, within: [component.__pulumiType], props: {} };
        assert.deepEqual(await violations(statefulResourcesProtected, shown), refused);
        assert.deepEqual(await violations(statefulResourcesProtected, { ...shown, opts: { protect: true } }), []);
      });
    }
  }

  it("asks nothing of what holds no data", async () => {
    const command: Shown = { resourceClass: Command, within: [CoolifyApplication.__pulumiType], props: {} };
    assert.deepEqual(await violations(statefulResourcesProtected, command), []);
    assert.deepEqual(await violations(statefulResourcesProtected, { resourceClass: RandomPassword, props: {} }), []);
  });
});
