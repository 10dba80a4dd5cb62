import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import { provideCredentials } from "../../../sandbox/supervisor/credentials.ts";
import { sandboxEnvironment } from "../../../sandbox/verbs/environment.ts";
import { toExports } from "../../../sandbox/verbs/env.ts";

describe("the sandbox's environment", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai it's "));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is refused before the sandbox ever was up, with the command that changes it", async () => {
    await assert.rejects(sandboxEnvironment({ AFFEXAI_SANDBOX_DIR: folder }), /has no credentials yet .*sandbox up/);
  });

  it("points every tool at the sandbox and nowhere else", async () => {
    const { aws, coolify, github, registry } = await provideCredentials(folder);
    const env = await sandboxEnvironment({
      AFFEXAI_SANDBOX_DIR: folder,
      AFFEXAI_SANDBOX_PORT: "8100",
      PATH: "/usr/bin",
    });
    assert.equal(env["PULUMI_HOME"], join(folder, "pulumi-home"));
    assert.match(env["PULUMI_BACKEND_URL"] ?? "", /^file:\/\/\/.*\/pulumi-state$/);
    assert.deepEqual(
      [env["COOLIFY_URL"], env["AWS_ENDPOINT_URL"], env["GITHUB_API_URL"], env["GITHUB_BASE_URL"]],
      ["http://127.0.0.1:8101", "http://127.0.0.1:8102", "http://127.0.0.1:8104", "http://127.0.0.1:8104/"],
    );
    assert.deepEqual(
      [env["COOLIFY_TOKEN"], env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["GITHUB_TOKEN"]],
      [coolify.token, aws.accessKeyId, aws.secretAccessKey, github.token],
    );
    assert.deepEqual([env["REGISTRY_USERNAME"], env["REGISTRY_PASSWORD"]], [registry.username, registry.password]);
    assert.equal(env["PULUMI_OPTION_CONFIG_FILE"], join(folder, "Pulumi.sandbox.yaml"));
    assert.equal(env["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"], "1");
    assert.ok(env["PATH"]?.split(delimiter).includes(dirname(process.execPath)));
  });

  it("has pulumi read the repository's own stack file on the ports that this names, also after other ones", async () => {
    await provideCredentials(folder);
    const other = await sandboxEnvironment({ AFFEXAI_SANDBOX_DIR: folder, AFFEXAI_SANDBOX_PORT: "8100" });
    const env = await sandboxEnvironment({ ...other, AFFEXAI_SANDBOX_PORT: "" });
    assert.equal(env["PULUMI_OPTION_CONFIG_FILE"], "");
  });

  it("is the same when it is asked for inside itself", async () => {
    await provideCredentials(folder);
    const once = await sandboxEnvironment({
      AFFEXAI_SANDBOX_DIR: folder,
      PATH: "/usr/bin",
      NODE_OPTIONS: "--no-warnings",
    });
    assert.deepEqual(await sandboxEnvironment(once), once);
    assert.match(once["NODE_OPTIONS"] ?? "", /^--no-warnings --import=file:\/\/\/\S+network\.mjs$/);
  });

  it("survives a shell whatever is in the values", async () => {
    const values = { A: 'it\'s $HOME `id` \\ "x"', B: "two\nlines", C: "", D: "1|bar" };
    const { stdout } = await execa("sh", ["-c", `${toExports(values)}\nnode -p 'JSON.stringify(process.env)'`], {
      env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` },
      extendEnv: false,
    });
    const seen = JSON.parse(stdout) as Record<string, string>;
    assert.deepEqual({ A: seen["A"], B: seen["B"], C: seen["C"], D: seen["D"] }, values);
  });
});
