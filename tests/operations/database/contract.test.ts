import assert from "node:assert/strict";
import { checkContract, typeFit, type LiveColumn, type LiveSchema } from "../../../operations/database/contract.ts";
import type { EntityContract } from "../../../operations/release/spec.ts";

const live = (columns: Record<string, Partial<LiveColumn>>, table = "public.users"): LiveSchema =>
  new Map([
    [
      table,
      new Map(
        Object.entries(columns).map(([name, column]) => [
          name,
          { type: "integer", nullable: false, filled: false, enumLabels: null, ...column },
        ]),
      ),
    ],
  ]);
const contract = (columns: EntityContract[string]["columns"]): EntityContract => ({ users: { columns } });
const id = { type: "integer", nullable: false, insertable: true };

describe("the contract of a release", () => {
  it("holds on a schema that has more: nullable and filled columns are invisible to older code", () => {
    const schema = live({ id: {}, extra: { nullable: true }, made: { filled: true } });
    assert.deepEqual(checkContract(contract({ id }), schema), { holds: true, reasons: [], warnings: [] });
  });

  const broken: readonly [string, EntityContract, LiveSchema, RegExp][] = [
    ["a table is missing", contract({ id }), live({ id: {} }, "public.people"), /^table users does not exist\.$/],
    ["a column is missing", contract({ id, email: id }), live({ id: {} }), /^column users\.email does not exist\.$/],
    [
      "a column has a type that does not fit",
      contract({ id }),
      live({ id: { type: "uuid" } }),
      /users\.id is uuid, and the code expects integer/,
    ],
    [
      "a new column must be filled",
      contract({ id }),
      live({ id: {}, tenant: {} }),
      /users\.tenant must be given in every INSERT, and the code does not know it/,
    ],
    [
      "a column that the code never writes must be filled",
      contract({ id, at: { ...id, insertable: false } }),
      live({ id: {}, at: {} }),
      /users\.at must be given .* never writes it/,
    ],
    [
      "an enum lacks a value",
      contract({ id, role: { type: "enum", nullable: false, insertable: true, enumLabels: ["a", "b"] } }),
      live({ id: {}, role: { type: "roles", enumLabels: ["a"] } }),
      /users\.role lacks the values b/,
    ],
    [
      "an enum became a number",
      contract({ role: { type: "enum", nullable: false, insertable: true, enumLabels: ["a"] } }),
      live({ role: {} }),
      /users\.role is integer, and the code expects an enum/,
    ],
  ];
  for (const [what, wanted, schema, reason] of broken) {
    it(`is broken when ${what}`, () => {
      const { holds, reasons } = checkContract(wanted, schema);
      assert.equal(holds, false);
      assert.equal(reasons.length, 1);
      assert.match(reasons[0] ?? "", reason);
    });
  }

  const risky: readonly [string, EntityContract, LiveSchema, RegExp][] = [
    ["integer became bigint", contract({ id }), live({ id: { type: "bigint" } }), /users\.id is bigint/],
    ["a column may be null now", contract({ id }), live({ id: { nullable: true } }), /users\.id may be null/],
    [
      "a column takes no null any more",
      contract({ id: { ...id, nullable: true } }),
      live({ id: {} }),
      /users\.id takes no null any more/,
    ],
    [
      "an enum has a value more",
      contract({ role: { type: "enum", nullable: false, insertable: true, enumLabels: ["a"] } }),
      live({ role: { enumLabels: ["a", "z"] } }),
      /users\.role may hold z/,
    ],
  ];
  for (const [what, wanted, schema, warning] of risky) {
    it(`holds with a warning when ${what}`, () => {
      const { holds, warnings } = checkContract(wanted, schema);
      assert.equal(holds, true);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? "", warning);
    });
  }

  it("names everything that is wrong at once", () => {
    const { reasons } = checkContract(
      { ...contract({ id, email: id }), gone: { columns: {} } },
      live({ id: { type: "uuid" }, tenant: {} }),
    );
    assert.equal(reasons.length, 4);
  });

  for (const [wanted, found, fit] of [
    ["character varying(255)", "character varying(300)", "yes"],
    ["character varying(255)", "character varying(100)", "no"],
    ["character varying(255)", "text", "yes"],
    ["character varying", "character varying(255)", "no"],
    ["text", "character varying", "yes"],
    ["numeric(12,2)", "numeric(14,2)", "yes"],
    ["numeric(12,2)", "numeric(12,4)", "no"],
    ["numeric(12,2)", "numeric", "yes"],
    ["smallint", "integer", "yes"],
    ["bigint", "integer", "no"],
    ["timestamp without time zone", "timestamp with time zone", "risky"],
    ["timestamp(3) with time zone", "timestamp with time zone", "yes"],
    ["json", "jsonb", "risky"],
    ["text[]", "text", "no"],
    ["integer[]", "integer[]", "yes"],
    ["uuid", "text", "no"],
  ] as const) {
    it(`${{ yes: "takes", risky: "takes, with a warning,", no: "does not take" }[fit]} ${found} where the code expects ${wanted}`, () => {
      assert.equal(typeFit(wanted, found), fit);
    });
  }
});
