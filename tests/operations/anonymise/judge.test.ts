import assert from "node:assert/strict";
import type { Column } from "../../../operations/anonymise/columns.ts";
import { judgeRules } from "../../../operations/anonymise/judge.ts";
import { keySettings } from "../../../operations/anonymise/mask-database.ts";
import { AnonymiseRules } from "../../../operations/anonymise/spec.ts";
import { isIban } from "../../../operations/anonymise/verify-masked.ts";

const column = (table: string, name: string, type: string, more: Partial<Column> = {}): Column => ({
  ...{ table, qualifiedTable: `public.${table}`, name, type, length: null, notNull: false },
  ...{ generated: false, isEnum: false, isKey: false, isHistory: false },
  ...more,
});
const judge = (columns: Column[], tables: object, references: { table: string; references: string }[] = []) =>
  judgeRules(columns, references, AnonymiseRules.parse({ version: 1, tables }));

describe("the rules of an anonymised copy", () => {
  for (const [type, more] of [
    ["uuid", { isKey: true }],
    ["integer", { isKey: true }],
    ["bigint", { isKey: true }],
    ["text", { generated: true }],
    ["text", { isHistory: true }],
  ] as const) {
    it(`need not name ${type}${Object.keys(more).join()}`, () => {
      assert.deepEqual(judge([column("t", "c", type, more)], {}).problems, []);
    });
  }

  for (const [type, kept, more] of [
    ["boolean", "boolean", {}],
    ["bigint", "bigint", {}],
    ["timestamp with time zone", "timestamp with time zone", {}],
    ["mood", "enum", { isEnum: true }],
  ] as const) {
    it(`need not name a column whose type they keep: ${kept}`, () => {
      const columns = [column("t", "c", type, more), column("t", "page_number", type, more)];
      const keep = (...keepTypes: string[]) => AnonymiseRules.parse({ version: 1, keepTypes, tables: {} });
      assert.deepEqual(judgeRules(columns, [], keep(kept)).problems, []);
      assert.equal(judgeRules(columns, [], keep("interval")).problems.length, 2);
    });
  }

  it("must name what is personal by its name, also of a type that they keep", () => {
    const types = ["bigint", "timestamp with time zone"] as const;
    const columns = ["phone", "homePhone", "phone2", "born_at", "dateOfBirth"].flatMap((name) =>
      types.map((type) => column("t", name, type)),
    );
    const rules = AnonymiseRules.parse({ version: 1, keepTypes: [...types], tables: {} });
    const { problems } = judgeRules(columns, [], rules);
    assert.equal(problems.length, columns.length);
    assert.deepEqual(problems.slice(0, 2), [
      "t.phone (bigint) has no rule: propose mask:number",
      "t.phone (timestamp with time zone) has no rule: propose mask:date-shift",
    ]);
  });

  for (const [name, type, more, proposal] of [
    ["id", "text", { isKey: true }, "mask:text"],
    ["birth_time", "timestamp without time zone", {}, "mask:date-shift"],
    ["seen_at", "timestamp without time zone", {}, "keep"],
    ["phone", "numeric", {}, "mask:number"],
    ["size", "integer", {}, "keep"],
    ["active", "boolean", {}, "keep"],
    ["mood", "mood", { isEnum: true }, "keep"],
    ["token", "uuid", {}, "null"],
    ["token", "uuid", { notNull: true }, "mask:text"],
    ["email", "character varying", {}, "mask:email"],
    ["recipient", "citext", {}, "mask:email"],
    ["first_name", "text", {}, "mask:name"],
    ["phone", "text", {}, "mask:phone"],
    ["address", "inet", {}, "mask:ip"],
    ["ip_address", "text", {}, "mask:ip"],
    ["born", "date", {}, "mask:date-shift"],
    ["password_hash", "text", { notNull: true }, "mask:text"],
    ["status", "text", {}, "keep"],
    ["anything", "text", {}, "mask:text"],
    ["tags", "text[]", {}, "null"],
    ["blob", "bytea", { notNull: true }, "keep, or truncate the table"],
    ["data", "jsonb", {}, "{ keep: [] } with the paths that hold nothing personal"],
  ] as const) {
    it(`must name ${name} of type ${type}, and ${proposal} is proposed`, () => {
      const { problems } = judge([column("t", name, type, more)], { t: {} });
      assert.deepEqual(problems, [`t.${name} (${type}) has no rule: propose ${proposal}`]);
    });
  }

  it("are refused with everything that does not fit, at once", () => {
    const { problems } = judge(
      [
        column("users", "email", "character varying", { length: 40 }),
        column("users", "age", "integer"),
        column("users", "note", "text", { notNull: true }),
        column("users", "whole", "text", { generated: true }),
        column("orders", "user_id", "integer", { isKey: true }),
      ],
      {
        users: "truncate",
        orders: { gone: "keep" },
        nowhere: "truncate",
      },
      [{ table: "orders", references: "users" }],
    );
    assert.deepEqual(problems, [
      "users cannot be truncated: orders refers to it and is not",
      "orders.gone has a rule and does not exist",
      "nowhere has rules and does not exist",
    ]);
    const columns = [
      column("users", "email", "character varying", { length: 40 }),
      column("users", "age", "integer"),
      column("users", "note", "text", { notNull: true }),
      column("users", "whole", "text", { generated: true }),
      column("users", "plain", "text"),
    ];
    const rules = { email: "mask:email", age: "mask:phone", note: null, whole: "mask:text", plain: { keep: ["a"] } };
    assert.deepEqual(judge(columns, { users: rules }).problems, [
      "users.email (character varying) has room for 40 characters, and mask:email needs 41",
      "users.age (integer) cannot be masked as phone",
      "users.note (text) cannot be null: mask it",
      "users.whole (text) is computed by PostgreSQL: keep it, and mask what it is computed from",
      "users.plain (text) is no JSON, so no paths of it can be kept",
    ]);
  });

  it("know only what there is to know", () => {
    for (const wrong of [
      { version: 2, tables: {} },
      { version: 1, tables: { users: "drop" } },
      { version: 1, tables: { users: { email: "mask:everything" } } },
      { version: 1, tables: {}, more: true },
      { version: 1, tables: {}, keepTypes: ["text"] },
    ])
      assert.equal(AnonymiseRules.safeParse(wrong).success, false);
  });
});

describe("the key of the masks", () => {
  it("is padded as RFC 2104 says", () => {
    const { "affexai.inner": inner = "", "affexai.outer": outer = "" } = keySettings("k".repeat(32));
    assert.equal(inner, "5d".repeat(32) + "36".repeat(32));
    assert.equal(outer, "37".repeat(32) + "5c".repeat(32));
    assert.equal(keySettings("k".repeat(65))["affexai.inner"]?.length, 128);
  });
});

describe("an IBAN", () => {
  it("is known by its check digits", () => {
    assert.equal(isIban("DE89 3704 0044 0532 0130 00"), true);
    assert.equal(isIban("DE88 3704 0044 0532 0130 00"), false);
    assert.equal(isIban("ABCD"), false);
  });
});
