import assert from "node:assert/strict";
import { expandWord, splitAssignment, WordError } from "../../../sandbox/images/words.ts";

const variables = new Map([
  ["NAME", "value"],
  ["EMPTY", ""],
]);

describe("a word of a Dockerfile", () => {
  for (const [word, text] of [
    ["plain", "plain"],
    ["$NAME/x", "value/x"],
    ["${NAME}x", "valuex"],
    ["$NAMEx", ""],
    ["${MISSING:-other}", "other"],
    ["${EMPTY:-$NAME}", "value"],
    ["${NAME:+yes}", "yes"],
    ["${MISSING:+yes}", ""],
    ["${MISSING:-${NAME}}", "value"],
    ['"a b $NAME"', "a b value"],
    ["'a $NAME'", "a $NAME"],
    ["\\$NAME", "$NAME"],
    ["a\\ b", "a b"],
    ['"a\\"b"', 'a"b'],
    ['"a\\nb"', "a\\nb"],
    ["cost$", "cost$"],
    ["$1", "$1"],
  ] as const) {
    it(`reads ${word} as ${JSON.stringify(text)}`, () => {
      assert.equal(expandWord(word, variables), text);
    });
  }

  for (const word of ['"open', "'open", "${NAME", "${NAME#x}", "${}"]) {
    it(`refuses ${word}`, () => {
      assert.throws(() => expandWord(word, variables), WordError);
    });
  }

  it("is split at the first = that is not in quotes", () => {
    assert.deepEqual(splitAssignment("A=b=c"), { name: "A", value: "b=c" });
    assert.deepEqual(splitAssignment('"a=b"=c'), { name: '"a=b"', value: "c" });
    assert.deepEqual(splitAssignment('A="b=c"'), { name: "A", value: '"b=c"' });
    assert.equal(splitAssignment("A"), undefined);
  });
});
