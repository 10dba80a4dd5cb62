import { isIPv4 } from "node:net";

/** What a rule looks at. */
export interface RequestFacts {
  /** Lower case, without a port. */
  readonly host: string;
  readonly method: string;
  /** With percent-encoding undone except for reserved characters. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly clientAddress: string;
  /** All values of a header; its name is lower case. */
  header(name: string): readonly string[];
}

export type Matcher = (facts: RequestFacts) => boolean;

/** Matchers of Traefik 3 (pkg/muxer/http/matcher.go) with how many parameters they take. */
const matchers: Readonly<Record<string, { least: number; most: number; make(values: string[]): Matcher }>> = {
  Host: one((value) => {
    const wanted = value.toLowerCase().replace(/\.$/, "");
    return ({ host }) => host.replace(/\.$/, "") === wanted;
  }),
  HostRegexp: one((value) => {
    const wanted = new RegExp(value);
    return ({ host }) => wanted.test(host);
  }),
  Path: one((value) => {
    requireSlash(value);
    return ({ path }) => path === value;
  }),
  PathPrefix: one((value) => {
    requireSlash(value);
    return ({ path }) => path.startsWith(value);
  }),
  PathRegexp: one((value) => {
    const wanted = new RegExp(value);
    return ({ path }) => wanted.test(path);
  }),
  Method: one((value) => {
    const wanted = value.toUpperCase();
    return ({ method }) => method === wanted;
  }),
  ClientIP: one((value) => clientAddress(value)),
  Header: {
    least: 2,
    most: 2,
    make:
      ([name = "", value = ""]) =>
      (facts) =>
        facts.header(name.toLowerCase()).includes(value),
  },
  HeaderRegexp: {
    least: 2,
    most: 2,
    make([name = "", value = ""]) {
      const wanted = new RegExp(value);
      return (facts) => facts.header(name.toLowerCase()).some((present) => wanted.test(present));
    },
  },
  Query: {
    least: 1,
    most: 2,
    make:
      ([name = "", value = ""]) =>
      ({ query }) =>
        query.getAll(name).includes(value),
  },
  QueryRegexp: {
    least: 1,
    most: 2,
    make([name = "", value = ""]) {
      const wanted = new RegExp(value);
      return ({ query }) => query.getAll(name).some((present) => wanted.test(present));
    },
  },
};
const byLowerName = new Map(Object.entries(matchers).map(([name, matcher]) => [name.toLowerCase(), matcher]));

function one(make: (value: string) => Matcher) {
  return { least: 1, most: 1, make: ([value = ""]: string[]) => make(value) };
}

function requireSlash(path: string): void {
  if (!path.startsWith("/")) throw new Error(`path "${path}" does not start with a '/'`);
}

function clientAddress(value: string): Matcher {
  const [network = "", bits = "32"] = value.split("/");
  if (!isIPv4(network)) throw new Error(`ClientIP matcher: ${value} is not an IPv4 address or network`);
  const number = (address: string) => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  const prefix = (address: string) => Math.floor(number(address) / size);
  return (facts) => isIPv4(facts.clientAddress) && prefix(facts.clientAddress) === prefix(network);
}

/**
 * Compiles a rule: matchers with values in backticks or double quotes, `&&`, `||`, `!` and parentheses; `&&` binds closer than `||`, as in Go, whose
 * expressions these are (vulcand/predicate). Throws with the place of what it cannot read.
 */
export function parseRule(rule: string): Matcher {
  const tokens = tokenise(rule);
  let position = 0;
  const peek = () => tokens[position];
  const fail = (what: string): never => {
    throw new Error(`error while parsing rule ${rule}: ${what} at ${peek()?.at ?? rule.length}`);
  };
  const accept = (text: string) => {
    if (peek()?.text !== text) return false;
    position += 1;
    return true;
  };
  const expect = (text: string) => void (accept(text) || fail(`expected ${text}`));

  const either = (): Matcher => {
    const alternatives = [all()];
    while (accept("||")) alternatives.push(all());
    return alternatives.length === 1
      ? (alternatives[0] as Matcher)
      : (facts) => alternatives.some((matches) => matches(facts));
  };
  const all = (): Matcher => {
    const parts = [single()];
    while (accept("&&")) parts.push(single());
    return parts.length === 1 ? (parts[0] as Matcher) : (facts) => parts.every((matches) => matches(facts));
  };
  const single = (): Matcher => {
    if (accept("!")) {
      const negated = single();
      return (facts) => !negated(facts);
    }
    if (accept("(")) {
      const inner = either();
      expect(")");
      return inner;
    }
    return call();
  };
  const call = (): Matcher => {
    const token = peek();
    const matcher = token?.kind === "word" ? byLowerName.get(token.text.toLowerCase()) : undefined;
    if (matcher === undefined) return fail(`unsupported function: ${token?.text ?? "nothing"}`);
    position += 1;
    expect("(");
    const values: string[] = [];
    do {
      const value = peek();
      if (value?.kind !== "string") return fail("expected a value in backticks or quotes");
      if (value.text === "") fail(`empty args for matcher ${token?.text ?? ""}`);
      values.push(value.text);
      position += 1;
    } while (accept(","));
    expect(")");
    if (values.length < matcher.least || values.length > matcher.most)
      fail(`unexpected number of parameters; got ${values.length}`);
    return matcher.make(values);
  };

  const compiled = either();
  if (peek() !== undefined) fail("unexpected text");
  return compiled;
}

interface Token {
  readonly kind: "word" | "string" | "sign";
  readonly text: string;
  readonly at: number;
}

function tokenise(rule: string): Token[] {
  const pattern = /\s*(?:(?<word>[A-Za-z]+)|`(?<raw>[^`]*)`|"(?<quoted>(?:[^"\\]|\\.)*)"|(?<sign>&&|\|\||[!(),]))/y;
  const tokens: Token[] = [];
  let at = 0;
  while (rule.slice(at).trim() !== "") {
    pattern.lastIndex = at;
    const match = pattern.exec(rule);
    if (match === null) throw new Error(`error while parsing rule ${rule}: unexpected text at ${at}`);
    const { word, raw, quoted, sign } = match.groups ?? {};
    if (word !== undefined) tokens.push({ kind: "word", text: word, at });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign, at });
    else tokens.push({ kind: "string", text: raw ?? (JSON.parse(`"${quoted ?? ""}"`) as string), at });
    at = pattern.lastIndex;
  }
  return tokens;
}

/** The path that rules see: percent-encoding undone, except of reserved characters and `%` (pkg/muxer/http/mux.go withRoutingPath). */
export function routingPath(path: string): string {
  if (!path.includes("%")) return path;
  return path.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => {
    const kept = run.split(/(%(?:3A|2F|3F|23|5B|5D|40|21|24|26|27|28|29|2A|2B|2C|3B|3D|25))/);
    return kept.map((part, index) => (index % 2 === 1 ? part : decoded(part))).join("");
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
