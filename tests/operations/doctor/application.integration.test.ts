import assert from "node:assert/strict";
import type { Check } from "../../../operations/coolify/checks/check.ts";
import { examineApplication, type Examination } from "../../../operations/doctor/application.ts";
import { runningProcess } from "../../../operations/doctor/examined-process.ts";
import { silent } from "../../../operations/progress.ts";
import { processOf, startDependency, startExample, type ExampleApplication } from "./example-application.ts";

const paths = {
  live: "/health",
  ready: "/health/ready",
  version: "/version",
  metrics: "/metrics",
  started: "/health/started",
  slow: "/slow",
};
const context = { env: {}, progress: silent, signal: new AbortController().signal };

const everything = [
  "liveness",
  "readiness",
  "version",
  "metrics",
  "idle connections",
  "dependency grace",
  "ready after SIGTERM",
  "unready, and serving",
  "kept connections move",
  "listening until the exit",
  "running requests",
  "Docker's health",
  "exit",
];

describe("what an application owes", function () {
  this.timeout(60_000);
  let dependency: ExampleApplication;

  before(async () => {
    dependency = await startDependency();
  });
  after(() => dependency.child.kill("SIGKILL"));

  const examine = async (flaw: string, changes: Partial<Examination> = {}): Promise<readonly Check[]> => {
    const example = await startExample(flaw, dependency.url);
    const examination = { url: example.url, paths, process: processOf(example), graceSeconds: 10, startSeconds: 20 };
    try {
      return await examineApplication({ ...examination, ...changes }, context);
    } finally {
      example.child.kill("SIGKILL");
    }
  };
  const states = (checks: readonly Check[], state: Check["state"]) =>
    checks.filter((check) => check.state === state).map(({ what, seen }) => `${what}: ${seen}`);

  it("is all found in an application that does it", async () => {
    const checks = await examine("none", { dependency: Number(dependency.child.pid) });
    assert.deepEqual(states(checks, "problem"), []);
    assert.deepEqual(states(checks, "unknown"), []);
    assert.deepEqual(
      checks.map(({ what }) => what),
      everything,
    );
  });

  it("is missed one by one in applications that lack one thing each", async () => {
    const flaws = everything.filter((what) => what !== "dependency grace");
    const found = await Promise.all(
      flaws.map(async (flaw) => {
        const checks = await examine(flaw);
        return [flaw, checks.filter(({ state }) => state === "problem").map(({ what }) => what)];
      }),
    );
    assert.deepEqual(
      found,
      flaws.map((flaw) => [flaw, [flaw]]),
    );
  });

  it("is missed where readiness asks a dependency at once", async () => {
    const checks = await examine("dependency grace", { dependency: Number(dependency.child.pid) });
    assert.deepEqual(
      checks.filter(({ state }) => state === "problem").map(({ what }) => what),
      ["dependency grace"],
    );
  });

  it("is missed where the process outlives its grace period, which ends it", async () => {
    const checks = await examine("none", { graceSeconds: 4 });
    assert.equal(states(checks, "problem").at(-1), "exit: still runs after 4 s, and was killed");
  });

  it("is not looked for in the end where nobody gives the process, and its exit code is its parent's alone", async () => {
    const example = await startExample("none");
    const examination = { url: example.url, paths, graceSeconds: 10, startSeconds: 20 };
    assert.deepEqual(states(await examineApplication(examination, context), "unknown"), ["the end: not looked at"]);
    const process = runningProcess(Number(example.child.pid));
    const [unknown = ""] = states(await examineApplication({ ...examination, process }, context), "unknown");
    assert.match(unknown, /^exit: after \d\.\d s$/);
  });
});
