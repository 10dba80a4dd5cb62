interface Variable {
  about: string;
  example: string;
  /** Optional variables are commented out in .env.example. */
  fallback?: string;
  /** What is wrong with a value, or undefined. */
  problem: (text: string) => string | undefined;
}

const httpUrl = (text: string) =>
  URL.canParse(text) && /^https?:\/\/[^/]+$/.test(text) ? undefined : "must be http(s)://<host>, without a path";
const seconds = (text: string) => (/^\d{1,3}$/.test(text) ? undefined : "must be a whole number of seconds");

const variables = {
  HOST: {
    about: "Address to listen on.",
    example: "0.0.0.0",
    fallback: "0.0.0.0",
    problem: () => undefined,
  },
  PORT: {
    about: "Port to listen on.",
    example: "9003",
    fallback: "9003",
    problem: (text) => (/^\d{1,5}$/.test(text) && Number(text) <= 65535 ? undefined : "must be a port"),
  },
  BACKEND_URL: {
    about:
      "Where this server reaches the backend: its public route, because only the proxy knows which replica is ready.",
    example: "http://localhost:9006",
    problem: httpUrl,
  },
  PUBLIC_API_URL: {
    about: "Where browsers reach the backend (API, uploads, chat).",
    example: "http://localhost:9006",
    problem: httpUrl,
  },
  AFFEXAI_IMAGE_DIGEST: {
    about: "Digest of the running image, set by the platform and answered by /version.",
    example: "",
    fallback: "",
    problem: (text) =>
      text === "" || /^sha256:[0-9a-f]{64}$/.test(text) ? undefined : "must be sha256:<64 hex digits>",
  },
  DRAIN_READY_SECONDS: {
    about: "After SIGTERM: how long the process stays ready. With this and the next at 0 it exits at once.",
    example: "3",
    fallback: "3",
    problem: seconds,
  },
  DRAIN_SECONDS: {
    about: "After that: how long it serves on, unready.",
    example: "5",
    fallback: "5",
    problem: seconds,
  },
  DRAIN_LIMIT_SECONDS: {
    about: "After that: how long running requests may take at most.",
    example: "10",
    fallback: "10",
    problem: seconds,
  },
} satisfies Record<string, Variable>;

export type Configuration = Record<keyof typeof variables, string>;

/** Reads and checks the whole configuration; throws one error that lists every problem and holds no value. Empty counts as not set. */
export function readConfiguration(given: Readonly<Record<string, string | undefined>>): Configuration {
  const problems: string[] = [];
  const entries = Object.entries<Variable>(variables).map(([name, { fallback, problem }]) => {
    const text = given[name] === "" ? fallback : (given[name] ?? fallback);
    const wrong = text === undefined ? "is missing" : problem(text);
    if (wrong !== undefined) problems.push(`${name} ${wrong}`);
    return [name, text ?? ""];
  });
  if (problems.length === 0) return Object.fromEntries(entries) as Configuration;
  throw new Error(
    `The configuration has ${problems.length} problem(s); .env.example describes every variable.\n  ${problems.join("\n  ")}`,
  );
}

/** The text of .env.example. */
export function configurationExample(): string {
  const lines = Object.entries<Variable>(variables).map(
    ([name, { about, example, fallback }]) => `# ${about}\n${fallback === undefined ? "" : "# "}${name}=${example}`,
  );
  const heading = [
    "# The frontend's configuration. Copy to .env.local and fill in. It is read at run time: one image suits every environment.",
    "# Made from server/configuration.ts by `npm run env:example`; do not edit.",
  ];
  return `${[...heading, "", ...lines].join("\n")}\n`;
}
