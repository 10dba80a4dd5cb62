import assert from "node:assert/strict";
import { defaultColumns, defaultSettings } from "../../../../sandbox/coolify/application-columns.ts";
import { parseDotenv } from "../../../../sandbox/coolify/deployments/dotenv.ts";
import { dotenvFile } from "../../../../sandbox/coolify/deployments/environment.ts";
import { interpolate } from "../../../../sandbox/coolify/deployments/interpolate.ts";
import type { Application, Variable } from "../../../../sandbox/coolify/records.ts";

const stamp = { id: 1, uuid: "app", created_at: "", updated_at: "" };

function application(changes: Partial<Application["columns"]> = {}): Application {
  const columns = { ...defaultColumns("shop", 0), ports_exposes: "3000,3001", ...changes };
  return { ...stamp, environmentId: 1, destinationId: 1, columns, settings: defaultSettings(), tagIds: [] };
}

function variable(key: string, value: string, changes: Partial<Variable> = {}): Variable {
  const flags = { is_preview: false, is_literal: false, is_multiline: false, is_shown_once: false };
  const rest = { is_runtime: true, is_buildtime: true, comment: null };
  return { ...stamp, owner: "application", ownerId: 1, key, value, ...flags, ...rest, ...changes };
}

function inContainer(rows: Variable[], changes?: Partial<Application["columns"]>): Record<string, string> {
  return Object.fromEntries(
    parseDotenv(dotenvFile(application(changes), rows, { commit: "HEAD", containerName: "app-1" })),
  );
}

describe("the environment of a container", () => {
  it("has what Coolify injects, with HEAD for the commit", () => {
    assert.deepEqual(inContainer([], { fqdn: "https://shop.example" }), {
      SOURCE_COMMIT: "HEAD",
      COOLIFY_URL: "https://shop.example",
      COOLIFY_FQDN: "shop.example",
      COOLIFY_BRANCH: "",
      COOLIFY_RESOURCE_UUID: "app",
      COOLIFY_CONTAINER_NAME: "app-1",
      PORT: "3000",
      HOST: "0.0.0.0",
    });
  });

  it("lets a variable replace what would be injected", () => {
    const seen = inContainer([variable("PORT", "8080"), variable("HOST", "::1")]);
    assert.deepEqual([seen.PORT, seen.HOST], ["8080", "::1"]);
  });

  it("leaves out preview rows and rows that are not for run time", () => {
    const seen = inContainer([variable("A", "1", { is_preview: true }), variable("B", "2", { is_runtime: false })]);
    assert.deepEqual([seen.A, seen.B], [undefined, undefined]);
  });

  it("gives a literal value through unchanged", () => {
    const value = 'pa$$w"rd \\ #x ${HOME}';
    assert.equal(inContainer([variable("SECRET", value, { is_literal: true })]).SECRET, value);
  });

  it("interpolates a value that is not literal, and escapes its quotes for nothing", () => {
    const seen = inContainer([variable("A", "one"), variable("B", 'say "$A" and ${NONE:-nothing} #hash')]);
    assert.equal(seen.B, 'say \\"one\\" and nothing');
  });

  it("fails on a literal value with a quote inside, as compose does", () => {
    assert.throws(
      () => inContainer([variable("A", "it's", { is_literal: true })]),
      /unexpected character "'" in variable name/,
    );
  });

  it("keeps line breaks of a multiline value", () => {
    const key = "-----BEGIN KEY-----\nabc\n-----END KEY-----";
    assert.equal(inContainer([variable("KEY", key, { is_multiline: true })]).KEY, key);
  });

  it("writes JSON as it is", () => {
    assert.equal(inContainer([variable("A", '{"a":"b"}')]).A, '{"a":"b"}');
  });
});

describe("interpolation as in compose", () => {
  const lookup = (name: string): string | undefined => ({ SET: "s", EMPTY: "" })[name];
  const cases: [string, string][] = [
    ["$SET-${SET}", "s-s"],
    ["$$SET", "$SET"],
    ["${EMPTY:-d} ${EMPTY-d} ${NONE-d}", "d  d"],
    ["${SET:+x}${EMPTY:+x}", "x"],
    ["$NONE.", "."],
  ];
  for (const [text, result] of cases)
    it(`turns ${text} into ${result}`, () => assert.equal(interpolate(text, lookup), result));

  it("refuses a dollar sign that starts no name", () => {
    assert.throws(() => interpolate("5 $ only", lookup), /invalid interpolation format/);
    assert.throws(() => interpolate("${NONE:?set it}", lookup), /NONE is missing a value: set it/);
  });
});
