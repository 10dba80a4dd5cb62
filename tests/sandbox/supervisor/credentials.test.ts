import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { provideCredentials, readCredentials } from "../../../sandbox/supervisor/credentials.ts";

describe("the sandbox's credentials", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-credentials-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("are random, kept, and readable by their owner alone", async () => {
    const first = await provideCredentials(folder);
    assert.deepEqual(await provideCredentials(folder), first);
    const other = await provideCredentials(join(folder, "another"));
    assert.notEqual(other.coolify.token, first.coolify.token);
    assert.notEqual(other.aws.secretAccessKey, first.aws.secretAccessKey);
    assert.equal((await stat(join(folder, "credentials.json"))).mode & 0o777, 0o600);
    assert.deepEqual((await readdir(folder)).sort(), ["another", "credentials.json"]);
  });

  it("are the same for two that make them at once", async () => {
    const [one, two] = await Promise.all([provideCredentials(folder), provideCredentials(folder)]);
    assert.deepEqual(one, two);
  });

  it("of an unknown form are refused, without being repeated", async () => {
    await writeFile(join(folder, "credentials.json"), '{"aws": {"accessKeyId": "AKIASECRET"}}');
    await assert.rejects(readCredentials(folder), (error: Error) => {
      assert.match(error.message, /is not what this version writes[^]*coolify/);
      return !error.message.includes("AKIASECRET");
    });
  });
});
