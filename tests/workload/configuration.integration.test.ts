import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../operations/process.ts";
import { workloadRoot } from "../../sandbox/workload/sources.ts";
import { startApplication } from "./application-process.ts";
import { builtReleases, buildLimitMs, type UnpackedImage, unpack } from "./releases.ts";

/** Everything that is required, and right. Nothing of it is reachable: a wrong configuration must be refused before it matters. */
const right: Readonly<Record<string, string>> = {
  APP_ENVIRONMENT: "production",
  DATABASE_URL: "postgresql://app@database.invalid/affexai",
  REDIS_URL: "redis://redis.invalid",
  AWS_S3_BUCKET: "uploads",
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "key",
  AWS_SECRET_ACCESS_KEY: "do-not-print-me",
  JWT_SECRET: "thirty-two characters, at least, of secret",
  CORS_ORIGIN: "https://affexai.com",
};

describe("the configuration of the workload's backend", () => {
  let image: UnpackedImage;

  before(async function () {
    this.timeout(buildLimitMs);
    const [release] = await builtReleases();
    assert.ok(release);
    image = await unpack(release, "backend");
  });
  after(() => image.remove());

  /** Starts the backend with these variables and returns its problems, one a line. */
  const problems = async (variables: Readonly<Record<string, string>>): Promise<string[]> => {
    const backend = await startApplication(image.root, ["dist/main.js"], variables);
    assert.equal(await backend.ended, 78);
    const { message } = JSON.parse(backend.output()) as { message: string };
    const [, ...lines] = message.split("\n");
    return lines.map((line) => line.trim());
  };

  it("is refused with every problem at once", async () => {
    assert.deepEqual(
      await problems({ NODE_ENV: "staging", PORT: "80800", DATABASE_SYNCHRONIZE: "1", REDIS_URL: "http://redis" }),
      [
        "NODE_ENV must be development or production",
        "APP_ENVIRONMENT is missing",
        "PORT must be between 1 and 65535",
        "DATABASE_URL is missing",
        "DATABASE_SYNCHRONIZE must be true or false",
        "REDIS_URL must be a URL that starts with redis:// or rediss://",
        "AWS_S3_BUCKET is missing",
        "AWS_REGION is missing",
        "AWS_ACCESS_KEY_ID is missing",
        "AWS_SECRET_ACCESS_KEY is missing",
        "JWT_SECRET is missing",
        "CORS_ORIGIN is missing",
      ],
    );
  });

  for (const [name, value, problem] of [
    ["DATABASE_SYNCHRONIZE", "true", "must not be true outside development: the schema changes by migrations only"],
    ["DATABASE_SYNCHRONIZE", "True", "must be true or false"],
    ["CORS_ORIGIN", "*", "must name the sites outside development, not *"],
    ["JWT_SECRET", "dev-secret", "must be at least 32 characters"],
    ["JWT_SECRET", "", "is missing"],
    ["AFFEXAI_IMAGE_DIGEST", "latest", "must be sha256:<64 hex digits>"],
  ] as const) {
    it(`does not take ${name}=${value}`, async () => {
      assert.deepEqual(await problems({ ...right, [name]: value }), [`${name} ${problem}`]);
    });
  }

  it("wants the demo user's address and password together", async () => {
    assert.deepEqual(await problems({ ...right, DEMO_USER_EMAIL: "demo@affexai.example" }), [
      "DEMO_USER_PASSWORD and DEMO_USER_EMAIL go together: set both or none",
    ]);
  });

  it("reports rules between variables together with wrong variables, and no value", async () => {
    const backend = await startApplication(image.root, ["dist/main.js"], {
      ...right,
      DATABASE_SYNCHRONIZE: "true",
      JWT_SECRET: "short-secret",
    });
    assert.equal(await backend.ended, 78);
    assert.match(backend.output(), /2 problems.*JWT_SECRET must be.*DATABASE_SYNCHRONIZE must not/);
    assert.ok(!backend.output().includes("short-secret"));
    assert.ok(!backend.output().includes("do-not-print-me"));
  });

  it("is described by .env.example, which says what the schema says", async () => {
    await run({
      file: process.execPath,
      arguments: ["dist/config/write-example.js"],
      cwd: image.root,
      timeoutMs: 20_000,
    });
    assert.equal(
      await readFile(join(image.root, ".env.example"), "utf8"),
      await readFile(join(workloadRoot, "apps/backend/.env.example"), "utf8"),
      "run `npm run env:example` in examples/affexai",
    );
  });
});
