import { z } from "zod";

/** "true" or "false" and nothing else: any other text, "0" and "no" among them, is a mistake rather than a truth value. */
const flag = z.enum(["true", "false"]).transform((text) => text === "true");
const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, "must be a whole number")
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must be between ${least} and ${most}`);
const urlOf = (...schemes: string[]) =>
  z.string().refine(
    (text) => {
      const scheme = URL.canParse(text) ? new URL(text).protocol.slice(0, -1) : undefined;
      return scheme !== undefined && schemes.includes(scheme);
    },
    `must be a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`,
  );

interface Documented {
  /** Heading under which .env.example lists the variable. */
  section: string;
  /** One sentence. */
  about: string;
  /** Value in .env.example; left empty for secrets, which have no example and no default. */
  example: string;
  /** Optional variables are commented out in .env.example. */
  optional?: boolean;
}
export const documentation = z.registry<Documented>();
const application = "Application";
const database = "Database";
const storage = "Object storage (media)";
const security = "Security";
const shutdown = "Shutdown";

const documented = <Schema extends z.ZodType>(schema: Schema, about: Documented): Schema => {
  documentation.add(schema, about);
  return schema;
};

/** Every variable that the backend reads. Nothing else in it touches process.env. */
export const Environment = z.object({
  NODE_ENV: documented(z.enum(["development", "production"]), {
    section: application,
    about: "development or production. Staging runs as production.",
    example: "development",
  }),
  APP_ENVIRONMENT: documented(z.enum(["development", "sandbox", "staging", "production"]), {
    section: application,
    about: "Which environment this is; written into logs and the deployment history.",
    example: "development",
  }),
  HOST: documented(z.string().default("0.0.0.0"), {
    section: application,
    about: "Address to listen on.",
    example: "0.0.0.0",
    optional: true,
  }),
  PORT: documented(whole(1, 65535).default(9006), {
    section: application,
    about: "Port to listen on.",
    example: "9006",
    optional: true,
  }),
  LOG_LEVEL: documented(z.enum(["error", "warn", "info", "debug"]).default("info"), {
    section: application,
    about: "error, warn, info or debug.",
    example: "info",
    optional: true,
  }),
  AFFEXAI_IMAGE_DIGEST: documented(
    z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/, "must be sha256:<64 hex digits>")
      .optional(),
    {
      section: application,
      about: "Digest of the running image, set by the platform and answered by /version.",
      example: "",
      optional: true,
    },
  ),
  DATABASE_URL: documented(urlOf("postgresql", "postgres"), {
    section: database,
    about: "PostgreSQL, as a role that may only read and write rows.",
    example: "postgresql://app@localhost:5432/affexai_dev",
  }),
  DATABASE_POOL_SIZE: documented(whole(1, 200).default(10), {
    section: database,
    about: "Connections of one process at most.",
    example: "10",
    optional: true,
  }),
  DATABASE_SYNCHRONIZE: documented(flag.default(false), {
    section: database,
    about: "Lets TypeORM change the schema at start. Refused outside development.",
    example: "false",
    optional: true,
  }),
  REDIS_URL: documented(urlOf("redis", "rediss"), {
    section: database,
    about: "Redis: queue, rate limits, logged-out tokens, chat between replicas.",
    example: "redis://localhost:6379",
  }),
  AWS_S3_BUCKET: documented(z.string().min(3), {
    section: storage,
    about: "Bucket for uploads.",
    example: "affexai-uploads",
  }),
  AWS_REGION: documented(z.string().min(1), { section: storage, about: "Region of the bucket.", example: "us-east-1" }),
  AWS_ACCESS_KEY_ID: documented(z.string().min(1), {
    section: storage,
    about: "Credentials that reach that bucket only.",
    example: "",
  }),
  AWS_SECRET_ACCESS_KEY: documented(z.string().min(1), { section: storage, about: "Secret.", example: "" }),
  AWS_ENDPOINT_URL: documented(urlOf("http", "https").optional(), {
    section: storage,
    about: "Another S3 service than AWS; its buckets are addressed by path.",
    example: "http://localhost:9000",
    optional: true,
  }),
  JWT_SECRET: documented(z.string().min(32, "must be at least 32 characters"), {
    section: security,
    about: "Signs login tokens. Secret, at least 32 characters: openssl rand -base64 48",
    example: "",
  }),
  JWT_EXPIRES_IN_SECONDS: documented(whole(60, 31_536_000).default(604_800), {
    section: security,
    about: "How long a login lasts.",
    example: "604800",
    optional: true,
  }),
  CORS_ORIGIN: documented(
    z
      .string()
      .min(1)
      .transform((text) => text.split(",").map((origin) => origin.trim())),
    {
      section: security,
      about: "Origins of the sites that may call the API, separated by commas. * only in development.",
      example: "http://localhost:9003",
    },
  ),
  TRUSTED_PROXY_HOPS: documented(whole(0, 5).default(1), {
    section: security,
    about: "How many proxies before us write X-Forwarded-For.",
    example: "1",
    optional: true,
  }),
  RATE_LIMIT_ENABLED: documented(flag.default(true), {
    section: security,
    about: "Limits requests to /api by address. The setting `security` overrides all three while running.",
    example: "true",
    optional: true,
  }),
  RATE_LIMIT_MAX: documented(whole(1, 1_000_000).default(100), {
    section: security,
    about: "Requests an address may make in a window.",
    example: "100",
    optional: true,
  }),
  RATE_LIMIT_WINDOW_SECONDS: documented(whole(1, 86_400).default(60), {
    section: security,
    about: "Length of a window.",
    example: "60",
    optional: true,
  }),
  ENABLE_EMAIL_MARKETING: documented(flag.default(true), {
    section: "Feature flags",
    about: "Campaigns can be sent. The setting `feature-flags` overrides all three while running.",
    example: "true",
    optional: true,
  }),
  ENABLE_CHAT: documented(flag.default(true), {
    section: "Feature flags",
    about: "The chat takes messages.",
    example: "true",
    optional: true,
  }),
  ENABLE_ANALYTICS: documented(flag.default(true), {
    section: "Feature flags",
    about: "Page views are recorded.",
    example: "true",
    optional: true,
  }),
  DEMO_USER_EMAIL: documented(z.email().optional(), {
    section: "Demo user",
    about: "An administrator to be made at start if there is none with this address. Needs the password too.",
    example: "demo@affexai.example",
    optional: true,
  }),
  DEMO_USER_PASSWORD: documented(z.string().min(12, "must be at least 12 characters").optional(), {
    section: "Demo user",
    about: "Secret, at least 12 characters.",
    example: "",
    optional: true,
  }),
  DRAIN_READY_SECONDS: documented(whole(0, 120).default(3), {
    section: shutdown,
    about: "After SIGTERM: how long the process stays ready. With this and the next at 0 it exits at once.",
    example: "3",
    optional: true,
  }),
  DRAIN_SECONDS: documented(whole(0, 600).default(5), {
    section: shutdown,
    about: "After that: how long it serves on, unready.",
    example: "5",
    optional: true,
  }),
  DRAIN_LIMIT_SECONDS: documented(whole(1, 600).default(10), {
    section: shutdown,
    about: "After that: how long running requests and jobs may take at most.",
    example: "10",
    optional: true,
  }),
});

export type Environment = z.output<typeof Environment>;

interface Rule {
  variable: keyof Environment;
  message: string;
  /** Judged on the texts as given, so that it is reported together with what is wrong with single variables. */
  broken: (given: Readonly<Record<string, string | undefined>>) => boolean;
}

/** Rules between variables; together with `Environment` they are the whole contract. */
export const rules: readonly Rule[] = [
  {
    variable: "DATABASE_SYNCHRONIZE",
    message: "must not be true outside development: the schema changes by migrations only",
    broken: (given) => given["DATABASE_SYNCHRONIZE"] === "true" && given["NODE_ENV"] !== "development",
  },
  {
    variable: "CORS_ORIGIN",
    message: "must name the sites outside development, not *",
    broken: (given) => (given["CORS_ORIGIN"] ?? "").includes("*") && given["NODE_ENV"] !== "development",
  },
  {
    variable: "DEMO_USER_PASSWORD",
    message: "and DEMO_USER_EMAIL go together: set both or none",
    broken: (given) => (given["DEMO_USER_EMAIL"] === undefined) !== (given["DEMO_USER_PASSWORD"] === undefined),
  },
];
