import { BlockList, isIPv4, isIPv6 } from "node:net";
import { fitsWildcard } from "./wildcard.ts";

/** The values of condition keys in a request, by lower-case key. A key that the request does not have is missing. */
export type ConditionKeys = ReadonlyMap<string, readonly string[]>;

type Comparison = (actual: string, wanted: string) => boolean;

const instant = (text: string) => (/^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text));

const positive: Readonly<Record<string, Comparison>> = {
  StringEquals: (actual, wanted) => actual === wanted,
  StringEqualsIgnoreCase: (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase(),
  StringLike: (actual, wanted) => fitsWildcard(wanted, actual),
  ArnEquals: (actual, wanted) => fitsWildcard(wanted, actual),
  ArnLike: (actual, wanted) => fitsWildcard(wanted, actual),
  NumericEquals: (actual, wanted) => Number(actual) === Number(wanted),
  NumericLessThan: (actual, wanted) => Number(actual) < Number(wanted),
  NumericLessThanEquals: (actual, wanted) => Number(actual) <= Number(wanted),
  NumericGreaterThan: (actual, wanted) => Number(actual) > Number(wanted),
  NumericGreaterThanEquals: (actual, wanted) => Number(actual) >= Number(wanted),
  DateEquals: (actual, wanted) => instant(actual) === instant(wanted),
  DateLessThan: (actual, wanted) => instant(actual) < instant(wanted),
  DateLessThanEquals: (actual, wanted) => instant(actual) <= instant(wanted),
  DateGreaterThan: (actual, wanted) => instant(actual) > instant(wanted),
  DateGreaterThanEquals: (actual, wanted) => instant(actual) >= instant(wanted),
  Bool: (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase(),
  IpAddress: isInRange,
};

/** Negated operators, by the one that they negate. They hold when the key is missing. */
const negated: Readonly<Record<string, string>> = {
  StringNotEquals: "StringEquals",
  StringNotEqualsIgnoreCase: "StringEqualsIgnoreCase",
  StringNotLike: "StringLike",
  ArnNotEquals: "ArnEquals",
  ArnNotLike: "ArnLike",
  NumericNotEquals: "NumericEquals",
  DateNotEquals: "DateEquals",
  NotIpAddress: "IpAddress",
};

interface Operator {
  readonly name: string;
  readonly set: "ForAllValues" | "ForAnyValue" | undefined;
  readonly ifExists: boolean;
}

function readOperator(text: string): Operator {
  const match = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(text);
  const set = match?.[1];
  return {
    name: match?.[2] ?? "",
    set: set === "ForAllValues" || set === "ForAnyValue" ? set : undefined,
    ifExists: match?.[3] !== undefined,
  };
}

/** True when IAM knows the operator (IAM User Guide, "IAM JSON policy elements: Condition operators"). */
export function isOperator(text: string): boolean {
  const { name, set, ifExists } = readOperator(text);
  if (name === "Null") return set === undefined && !ifExists;
  return Object.hasOwn(positive, name) || Object.hasOwn(negated, name);
}

/** True when every condition of a statement holds. `substitute` fills in policy variables. */
export function conditionsHold(
  conditions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>,
  keys: ConditionKeys,
  substitute: (text: string) => string,
): boolean {
  return Object.entries(conditions).every(([operator, tests]) =>
    Object.entries(tests).every(([key, wanted]) =>
      holds(readOperator(operator), keys.get(key.toLowerCase()), wanted.map(substitute)),
    ),
  );
}

function holds(operator: Operator, actual: readonly string[] | undefined, wanted: readonly string[]): boolean {
  if (operator.name === "Null")
    return wanted.some((text) => (text.toLowerCase() === "true") === (actual === undefined));
  const base = negated[operator.name];
  const compare = positive[base ?? operator.name];
  if (compare === undefined) return false;
  if (actual === undefined) return operator.ifExists || base !== undefined || operator.set === "ForAllValues";
  const fits = (value: string) => wanted.some((text) => compare(value, text)) !== (base !== undefined);
  if (operator.set === "ForAllValues") return actual.every(fits);
  if (operator.set === "ForAnyValue" || base === undefined) return actual.some(fits);
  return actual.every(fits);
}

function isInRange(address: string, range: string): boolean {
  const [network = "", prefix] = range.split("/");
  const family = isIPv4(network) ? "ipv4" : "ipv6";
  if (family === "ipv6" && !isIPv6(network)) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix === undefined ? (family === "ipv4" ? 32 : 128) : Number(prefix), family);
  return list.check(address, isIPv4(address) ? "ipv4" : "ipv6");
}
