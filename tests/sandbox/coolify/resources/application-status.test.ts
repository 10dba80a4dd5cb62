import assert from "node:assert/strict";
import type { ContainerState } from "../../../../sandbox/coolify/docker/engine.ts";
import { aggregate } from "../../../../sandbox/coolify/resources/application-status.ts";

const container = (state: string, health: string | null = null, restartCount = 0): ContainerState => ({
  id: "1",
  name: "one",
  state,
  health,
  restartCount,
  labels: {},
});

describe("the status made of containers", () => {
  const cases: [string, ContainerState[], string][] = [
    ["nothing there", [], "exited:unhealthy"],
    ["no health check", [container("running")], "running:unknown"],
    ["healthy", [container("running", "healthy")], "running:healthy"],
    ["health still starting", [container("running", "starting")], "running:healthy"],
    ["unhealthy", [container("running", "unhealthy")], "running:unhealthy"],
    ["one of two unhealthy", [container("running", "healthy"), container("running", "unhealthy")], "running:unhealthy"],
    ["a crash loop between two starts", [container("restarting", null, 3)], "restarting:unknown"],
    ["crashed after restarts", [container("exited", null, 3)], "degraded:unhealthy"],
    ["stopped", [container("exited")], "exited:unhealthy"],
    ["one running, one exited", [container("running"), container("exited")], "degraded:unhealthy"],
    ["created only", [container("created")], "starting:unknown"],
    ["paused", [container("paused")], "paused:unknown"],
  ];
  for (const [title, containers, status] of cases) {
    it(`is ${status} for ${title}`, () => assert.equal(aggregate(containers), status));
  }
});
