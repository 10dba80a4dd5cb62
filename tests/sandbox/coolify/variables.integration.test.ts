import assert from "node:assert/strict";
import type { Fields } from "../../../sandbox/coolify/json.ts";
import { addApplication, fieldsIn, openPlace, openPlayground, rootToken, type Playground } from "./fixture.ts";

describe("environment variables in Coolify", () => {
  let coolify: Playground;
  let route: string;
  beforeEach(async () => {
    coolify ??= await openPlayground({ tokens: [rootToken, { token: "2|reader", abilities: ["read"], teamId: 0 }] });
    route = `/applications/${await addApplication(coolify, await openPlace(coolify))}/envs`;
  });
  after(() => coolify.close());
  const rows = async (token?: string) =>
    fieldsIn((await coolify.ask("GET", route, undefined, token === undefined ? {} : { token })).json);
  const production = async () => (await rows()).filter(({ is_preview }) => is_preview === false);

  it("makes a preview twin with a production row, once", async () => {
    await coolify.expect(201, "POST", route, { key: "A", value: "1", is_literal: true });
    const both = await rows();
    assert.deepEqual(
      both.map(({ key, value, is_preview }) => [key, value, is_preview]),
      [
        ["A", "1", false],
        ["A", "1", true],
      ],
    );
    await coolify.expect(201, "PATCH", route, { key: "A", value: "2", is_literal: true });
    assert.deepEqual(
      (await rows()).map(({ value }) => value),
      ["2", "1"],
    );
  });

  it("refuses a key that is there with 409, and PATCH of one that is not with 404", async () => {
    await coolify.expect(201, "POST", route, { key: "A", value: "1" });
    await coolify.expect(409, "POST", route, { key: "A", value: "2" });
    await coolify.expect(404, "PATCH", route, { key: "B", value: "2" });
  });

  it("resets the flags that a PATCH leaves out, but not where it is used", async () => {
    const flags = {
      is_literal: true,
      is_multiline: true,
      is_shown_once: false,
      is_runtime: false,
      is_buildtime: false,
    };
    await coolify.expect(201, "POST", route, { key: "A", value: "1", ...flags });
    await coolify.expect(201, "PATCH", route, { key: "A", value: "1" });
    const [row] = await production();
    assert.deepEqual(
      [row?.is_literal, row?.is_multiline, row?.is_shown_once, row?.is_runtime, row?.is_buildtime],
      [false, null, null, false, false],
    );
  });

  it("refuses is_build_time in single requests and ignores it in bulk", async () => {
    for (const method of ["POST", "PATCH"]) {
      const { errors } = await coolify.expect(422, method, route, { key: "A", value: "1", is_build_time: true });
      assert.deepEqual(errors, { is_build_time: ["This field is not allowed."] });
    }
    await coolify.expect(201, "PATCH", `${route}/bulk`, { data: [{ key: "A", value: "1", is_build_time: true }] });
    assert.equal((await production())[0]?.is_buildtime, true);
  });

  it("trims values, and gives real_value in quotes for literal rows", async () => {
    await coolify.expect(201, "POST", route, { key: "A", value: "  spaced  ", is_literal: true });
    const [row] = await production();
    assert.deepEqual([row?.value, row?.real_value], ["spaced", "'spaced'"]);
  });

  it("is not atomic in bulk: what comes before a bad entry stays, what comes after does not", async () => {
    const data = [
      { key: "A", value: "1" },
      { key: "2BAD", value: "2" },
      { key: "C", value: "3" },
    ];
    const { errors } = await coolify.expect(422, "PATCH", `${route}/bulk`, { data });
    assert.deepEqual(errors, { key: ["The key field format is invalid."] });
    assert.deepEqual(
      (await production()).map(({ key }) => key),
      ["A"],
    );
  });

  it("updates in bulk without touching the twin, and never deletes", async () => {
    await coolify.expect(201, "POST", route, { key: "A", value: "1" });
    await coolify.expect(201, "POST", route, { key: "B", value: "1" });
    const answer = await coolify.ask("PATCH", `${route}/bulk`, { data: [{ key: "A", value: "2" }] });
    assert.equal(answer.status, 201);
    assert.deepEqual(
      fieldsIn(answer.json).map(({ key, value }) => [key, value]),
      [["A", "2"]],
    );
    assert.deepEqual(
      (await rows()).map(({ key, value, is_preview }: Fields) => [key, value, is_preview]),
      [
        ["A", "2", false],
        ["B", "1", false],
        ["A", "1", true],
        ["B", "1", true],
      ],
    );
    await coolify.expect(400, "PATCH", `${route}/bulk`, { data: [] });
  });

  it("leaves values out for a token without read:sensitive, and of rows shown once for everybody", async () => {
    await coolify.expect(201, "POST", route, { key: "A", value: "1" });
    await coolify.expect(201, "POST", route, { key: "ONCE", value: "2", is_shown_once: true });
    for (const row of await rows("2|reader")) assert.deepEqual(["value" in row, "real_value" in row], [false, false]);
    const once = (await production()).find(({ key }) => key === "ONCE") ?? {};
    assert.deepEqual(["value" in once, once.is_shown_once], [false, true]);
  });

  it("deletes the one row that is named; the twin stays", async () => {
    await coolify.expect(201, "POST", route, { key: "A", value: "1" });
    const [row] = await production();
    await coolify.expect(200, "DELETE", `${route}/${row?.uuid as string}`);
    assert.deepEqual(
      (await rows()).map(({ is_preview }) => is_preview),
      [true],
    );
    await coolify.expect(404, "DELETE", `${route}/${row?.uuid as string}`);
  });
});
