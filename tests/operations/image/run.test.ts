import assert from "node:assert/strict";
import { unpackedEnvironment } from "../../../operations/image/run.ts";

describe("the environment of an unpacked run", () => {
  const inherited = {
    PATH: "/usr/bin",
    HOME: "/home/op",
    AWS_SECRET_ACCESS_KEY: "secret",
    COOLIFY_TOKEN: "secret",
    NODE_OPTIONS: "--import ./vpn.mjs",
  };
  const config = { Env: ["PATH=/usr/local/bin", "NODE_ENV=production", "EMPTY=", "PAIR=a=b"] };

  it("is the image's and the run's, and takes every other variable away", () => {
    const env = unpackedEnvironment(inherited, config, { DATABASE_URL: "postgres://x", NODE_ENV: "test" });
    assert.deepEqual(env, {
      AWS_SECRET_ACCESS_KEY: undefined,
      COOLIFY_TOKEN: undefined,
      NODE_ENV: "test",
      EMPTY: "",
      PAIR: "a=b",
      DATABASE_URL: "postgres://x",
      NODE_OPTIONS: "--import ./vpn.mjs",
    });
  });

  it("joins Node's options of all three", () => {
    const image = { Env: ["NODE_OPTIONS=--max-old-space-size=200"] };
    const env = unpackedEnvironment(inherited, image, { NODE_OPTIONS: "--no-warnings" });
    assert.equal(env.NODE_OPTIONS, "--import ./vpn.mjs --max-old-space-size=200 --no-warnings");
  });
});
