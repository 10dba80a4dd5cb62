import assert from "node:assert/strict";
import { engineAddress } from "../../../sandbox/docker/engine-address.ts";

describe("the address of a Docker engine", () => {
  it("is the socket of Docker's packages, or what DOCKER_HOST names", () => {
    assert.deepEqual(engineAddress(undefined), { socketPath: "/var/run/docker.sock" });
    assert.deepEqual(engineAddress(""), { socketPath: "/var/run/docker.sock" });
    assert.deepEqual(engineAddress("unix:///run/user/1000/docker.sock"), { socketPath: "/run/user/1000/docker.sock" });
    assert.deepEqual(engineAddress("tcp://127.0.0.1:2375"), { host: "127.0.0.1", port: 2375 });
  });

  for (const value of ["ssh://root@server", "npipe:////./pipe/docker_engine", "127.0.0.1:2375", "unix://docker.sock"]) {
    it(`refuses ${value}, and says what it may be`, () => {
      assert.throws(() => engineAddress(value), /DOCKER_HOST: must be unix:\/\/\/path or tcp:\/\/host:port, got/);
    });
  }
});
