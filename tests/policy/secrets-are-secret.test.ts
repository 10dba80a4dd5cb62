import assert from "node:assert/strict";
import { Command } from "@pulumi/command/local/command.js";
import { GithubDelivery } from "../../components/github-delivery.ts";
import { secretsAreSecret } from "../../policy/secrets-are-secret.ts";
import { application, withProperty } from "./declared.ts";
import { type Shown, unknown, violations } from "./violations.ts";

const secret = "hunter2hunter2";
const command: Shown = {
  resourceClass: Command,
  name: "run",
  props: {
    interpreter: ["node", "operations/cli.ts", "migration"],
    create: "run",
    update: "run",
    delete: "retire",
    stdin: '{"owner":"migration"}',
    environment: { DATABASE_URL: secret },
    addPreviousOutputInEnv: false,
  },
  opts: { additionalSecretOutputs: ["stdout", "stderr"] },
};
const github: Shown = {
  resourceClass: GithubDelivery,
  name: "github",
  props: { variables: { URL: "https://affexai.com" } },
};

describe("secrets-are-secret", () => {
  it("allows plain variables that are plain, and secret ones that nobody can know yet", async () => {
    assert.deepEqual(await violations(secretsAreSecret, application), []);
    assert.deepEqual(await violations(secretsAreSecret, github), []);
  });

  for (const name of [
    "DATABASE_URL",
    "REDIS_URL",
    "JWT_SECRET",
    "DB_PASSWORD",
    "OPENAI_API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "GH_TOKEN",
    "SENTRY_DSN",
  ]) {
    it(`refuses the plain variable ${name} by its name`, async () => {
      for (const shown of [application, github]) {
        assert.deepEqual(await violations(secretsAreSecret, withProperty(shown, `variables.${name}`, "x")), [
          `${shown.name ?? ""}: variables.${name} must be a secret one, by its name.`,
        ]);
      }
    });
  }

  for (const value of [
    "postgresql://app:pw@db/affexai",
    "-----BEGIN RSA PRIVATE KEY-----\nMII",
    "AKIAIOSFODNN7EXAMPLE",
    `ghp_${"a".repeat(36)}`,
    `sk-${"a".repeat(40)}`,
  ]) {
    it(`refuses a plain variable by its form, without showing it: ${value.slice(0, 8)}...`, async () => {
      const found = await violations(secretsAreSecret, withProperty(application, "variables.HARMLESS", value));
      assert.deepEqual(found, ["backend: variables.HARMLESS must be a secret one, by its form."]);
    });
  }

  it("refuses a plain variable that a preview cannot know, or that is no text, or that none are given", async () => {
    const [message] = await violations(secretsAreSecret, withProperty(application, "variables.HARMLESS", unknown));
    assert.match(message ?? "", /HARMLESS can't be known during preview/);
    assert.deepEqual(await violations(secretsAreSecret, withProperty(application, "variables.HARMLESS", 1)), [
      "backend: variables.HARMLESS must be text.",
    ]);
    assert.deepEqual(await violations(secretsAreSecret, withProperty(application, "variables", undefined)), [
      "backend: variables must be given, if only empty.",
    ]);
    const [all] = await violations(secretsAreSecret, withProperty(application, "variables", unknown));
    assert.match(all ?? "", /\.variables can't be known during preview/);
  });

  it("allows a command whose secrets are in its environment only, known or not", async () => {
    assert.deepEqual(await violations(secretsAreSecret, command), []);
    assert.deepEqual(
      await violations(secretsAreSecret, withProperty(command, "environment.DATABASE_URL", unknown)),
      [],
    );
    assert.deepEqual(await violations(secretsAreSecret, withProperty(command, "stdin", unknown)), []);
    assert.deepEqual(
      await violations(secretsAreSecret, { ...withProperty(command, "environment", undefined), opts: {} }),
      [],
    );
  });

  for (const [what, path, value, expected] of [
    [
      "a secret in the spec",
      "stdin",
      `{"url":"${secret}"}`,
      "stdin must not hold the value of environment.DATABASE_URL.",
    ],
    [
      "a secret in an argument",
      "interpreter",
      ["node", secret],
      "interpreter must not hold the value of environment.DATABASE_URL.",
    ],
    [
      "a command string with more than a verb",
      "create",
      `run --url=${secret}`,
      "create must be one verb: it is printed when it fails.",
    ],
    ["the same for update", "update", "run; rm", "update must be one verb: it is printed when it fails."],
    ["the same for delete", "delete", "", "delete must be one verb: it is printed when it fails."],
    [
      "previous output in the environment",
      "addPreviousOutputInEnv",
      undefined,
      "addPreviousOutputInEnv must be false.",
    ],
    ["an environment that is no text", "environment.DATABASE_URL", 7, "environment.DATABASE_URL must be text."],
  ] as const) {
    it(`refuses ${what}`, async () => {
      assert.deepEqual(await violations(secretsAreSecret, withProperty(command, path, value)), [`run: ${expected}`]);
    });
  }

  it("refuses a command with secrets whose output would be kept in plain text", async () => {
    assert.deepEqual(
      await violations(secretsAreSecret, { ...command, opts: { additionalSecretOutputs: ["stderr"] } }),
      ["run: additionalSecretOutputs must name stdout."],
    );
  });

  for (const path of ["create", "delete", "addPreviousOutputInEnv", "environment"]) {
    it(`refuses ${path} when a preview cannot know it`, async () => {
      const [message] = await violations(secretsAreSecret, withProperty(command, path, unknown));
      assert.match(message ?? "", /can't be known during preview/);
    });
  }
});
