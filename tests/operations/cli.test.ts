import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { delimiter } from "node:path";
import { execa } from "execa";
import { exitCodes } from "../../operations/error.ts";
import { until } from "../sandbox/coolify/fixture.ts";
import { withPrograms } from "./database/support/programs.ts";

/** Runs the real command line in a process of its own. */
async function affexai(
  args: string[],
  { input = "", env = {} }: { input?: string; env?: Record<string, string> } = {},
) {
  const { exitCode, stdout, stderr } = await execa(process.execPath, ["operations/cli.ts", ...args], {
    input,
    env: { CI: "1", ...env },
    reject: false,
  });
  return { exitCode, stdout, stderr };
}

describe("the command line", () => {
  it("answers an unknown noun with the list of the right ones", async () => {
    const { exitCode, stdout, stderr } = await affexai(["relase"]);
    assert.equal(exitCode, exitCodes.usage);
    assert.equal(stdout, "");
    assert.match(stderr, /unknown command 'relase'/);
    for (const noun of ["backup", "release", "rollback", "sandbox", "demo", "test", "bench", "setup"])
      assert.match(stderr, new RegExp(`^ {2}${noun}\\b`, "m"));
  });

  it("answers an unknown verb with the verbs of its noun", async () => {
    const { exitCode, stderr } = await affexai(["sandbox", "start"]);
    assert.equal(exitCode, exitCodes.usage);
    for (const verb of ["up", "down", "status", "env"]) assert.match(stderr, new RegExp(`^ {2}${verb}\\b`, "m"));
  });

  it("answers an unknown option with the options there are", async () => {
    const { exitCode, stderr } = await affexai(["sandbox", "status", "--yaml"]);
    assert.equal(exitCode, exitCodes.usage);
    assert.match(stderr, /unknown option '--yaml'/);
    assert.match(stderr, /--json/);
  });

  it("refuses a spec that is not JSON", async () => {
    const { exitCode, stdout, stderr } = await affexai(["smoke", "run"], { input: "{" });
    assert.equal(exitCode, exitCodes.usage);
    assert.equal(stdout, "");
    assert.match(stderr, /the spec of smoke run: is not JSON/);
  });

  it("names every problem of a spec at once, unknown keys included", async () => {
    const { exitCode, stderr } = await affexai(["ledger", "head"], {
      input: JSON.stringify({ bucket: "x", environmnt: "y" }),
    });
    assert.equal(exitCode, exitCodes.usage);
    assert.match(stderr, /→ at bucket/);
    assert.match(stderr, /→ at environment/);
    assert.match(stderr, /environmnt/);
  });

  it("says what is not set, and never prints a secret that it was given", async () => {
    const { exitCode, stdout, stderr } = await affexai(["ledger", "head"], {
      input: JSON.stringify({ bucket: "affexai-backups", environment: "sandbox" }),
      env: {
        AWS_REGION: "eu-central-1",
        AWS_ACCESS_KEY_ID: "AKIAPLANTED",
        AWS_SECRET_ACCESS_KEY: "planted-secret-key",
        AWS_ENDPOINT_URL: "http://127.0.0.1:9",
        AWS_MAX_ATTEMPTS: "1",
      },
    });
    assert.equal(exitCode, exitCodes.unreachable);
    assert.match(stderr, /ledger in bucket affexai-backups: listing journal\/sandbox\/ failed/);
    assert.doesNotMatch(stdout + stderr, /planted-secret-key|AKIAPLANTED/);
  });

  it("lets what runs end in order when a signal comes, and says that it was stopped", async () => {
    // A pulumi that takes its time to end.
    const pulumi = `trap 'sleep 0.3; touch "$0.ended"; exit 1' TERM\ntouch "$0.runs"\nwhile :; do sleep 0.05; done`;
    await withPrograms({ pulumi }, async (PATH) => {
      const [folder = ""] = PATH.split(delimiter);
      const verb = execa(process.execPath, ["operations/cli.ts", "rollback", "--stack", "sandbox"], {
        env: { CI: "1", PATH },
        reject: false,
      });
      await until("pulumi", async () => (await readdir(folder)).includes("pulumi.runs"));
      verb.kill("SIGINT");
      const { exitCode, signal, stderr } = await verb;
      assert.deepEqual({ exitCode, signal }, { exitCode: exitCodes.stopped, signal: undefined }, stderr);
      assert.ok((await readdir(folder)).includes("pulumi.ended"));
    });
  });
});
