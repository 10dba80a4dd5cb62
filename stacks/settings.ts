import { z } from "zod";
import { ImageRuntime } from "../operations/migration/spec.ts";
import { ProtectedTable } from "../operations/database/spec.ts";
import { PinnedImage } from "../operations/release/spec.ts";
import { deployed } from "./environments.ts";

const host = z
  .string()
  .regex(/^(?=.{1,253}$)[a-z0-9-]+(\.[a-z0-9-]+)+$/, "must be a host name in lower case, without a scheme")
  .meta({ remedy: "Give the name users type, for example api.affexai.com." });
const port = z.int().refine((value) => value >= 1 && value <= 65_535, "must be a port between 1 and 65535");
const bucket = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, "must be 3 to 63 lower-case letters, digits and hyphens")
  .meta({ remedy: "Choose a name that is unique in the whole of S3." });
const identifier = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,50}$/, "must be lower-case letters, digits and underscores, at most 51");
const taggedImage = z
  .string()
  .regex(/^[a-z0-9._/-]+:[\w.-]+$/, "must be an image with a tag")
  .meta({ remedy: "Name a version, for example postgres:16-alpine." });

/** How the machine that runs `pulumi up` and people's verbs reaches the database. */
const reach = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("direct") }),
  z.strictObject({
    kind: z.literal("ssh"),
    host,
    port: port.optional(),
    user: z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, "must be a user's name"),
    hostKeys: z
      .array(z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/, "must be a fingerprint as ssh-keygen -l prints it"))
      .min(1, "must pin at least one host key"),
  }),
]);

/** Everything that a stack file says in the open, one key each. The remedy is shown beside whatever is wrong with it. */
export const settings = {
  environment: z.enum(deployed).meta({ remedy: "Say which row of stacks/environments.ts this stack follows." }),
  server: z.string().min(1).meta({ remedy: "Give the server's name or uuid in Coolify." }),
  destination: z.string().min(1).optional().meta({
    remedy: "Give the name, network or uuid of one of the server's destinations; leave it out where there is only one.",
  }),
  team: z
    .string()
    .min(1)
    .optional()
    .meta({ remedy: "Give the name or number of the team in Coolify, or leave it out." }),
  registry: z
    .strictObject({
      host: z.string().regex(/^[a-z0-9.-]+(:\d+)?$/, "must be a host, with a port where it is not 443"),
      username: z.string().min(1),
    })
    .meta({ remedy: "Say where Coolify pulls images from: host and username; the password is REGISTRY_PASSWORD." }),
  routes: z
    .strictObject({ backend: host, frontend: host, publicPort: port.optional() })
    .meta({ remedy: "Give the public host names of backend and frontend." }),
  storage: z
    .strictObject({
      region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "must be an AWS region"),
      backupBucket: bucket,
      mediaBucket: bucket,
      endpoint: z
        .url({ protocol: /^https?$/ })
        .optional()
        .meta({
          remedy: "Leave it out for AWS; otherwise give the address at which containers reach the S3 service.",
        }),
    })
    .meta({ remedy: "Give region, backupBucket and mediaBucket." }),
  database: z
    .discriminatedUnion("kind", [
      z.strictObject({
        kind: z.literal("coolify"),
        name: identifier,
        image: taggedImage,
        reach: reach.optional(),
      }),
      z.strictObject({ kind: z.literal("external"), name: identifier, reach: reach.optional() }),
    ])
    .meta({
      remedy:
        "Say kind: coolify with name and image, or kind: external with name; and reach, where it is not direct: kind: ssh with host, user and hostKeys.",
    }),
  cache: z
    .discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("coolify"), image: taggedImage }),
      z.strictObject({ kind: z.literal("external") }),
    ])
    .meta({ remedy: "Say kind: coolify with image, or kind: external." }),
  migrations: z
    .strictObject({
      imageRuntime: ImageRuntime,
      nodePath: z.string().min(1),
      dataSource: z.string().min(1),
      lockTimeoutSeconds: z.number().positive(),
      statementTimeoutSeconds: z.number().positive(),
      protectedTables: z.array(ProtectedTable),
    })
    .meta({ remedy: "Say how migrations run; every field is needed." }),
  tools: z
    .strictObject({
      image: PinnedImage,
      /** Where containers reach Coolify: the agent ends a maintenance that nobody looks after any more. Needed outside the sandbox. */
      coolifyUrl: z.url({ protocol: /^https?$/ }).optional(),
      /** Public keys of age; the stack's backups are encrypted to them, whoever takes them. */
      recipients: z
        .array(z.string().regex(/^age1[0-9a-z]{58,}$/, "must be public keys of age"))
        .min(1)
        .optional(),
      /** The agent pages somebody. */
      pages: z.boolean().optional(),
    })
    .optional()
    .meta({ remedy: "Give the image by digest: <registry>/<repository>@sha256:<64 hex>." }),
  features: z
    .strictObject({ emailMarketing: z.boolean(), chat: z.boolean(), analytics: z.boolean() })
    .meta({ remedy: "Turn each feature on or off: true or false." }),
  github: z
    .strictObject({
      owner: z.string().min(1),
      repository: z.string().min(1),
      reviewers: z.array(z.int().positive()).max(6, "must be at most 6: GitHub takes no more"),
      branches: z.array(z.string().min(1)).min(1, "must name at least one branch"),
    })
    .meta({ remedy: "Give owner, repository, reviewers (numeric user ids) and branches." }),
};

export type Settings = { [Key in keyof typeof settings]: z.output<(typeof settings)[Key]> };

/** Keys that hold secrets, with what they are for. Each is needed exactly when `when` holds. */
export const secretSettings = {
  databaseAdminUrl: {
    about: "the external PostgreSQL, as a superuser",
    when: (known: Partial<Settings>) => known.database?.kind === "external",
  },
  cacheUrl: {
    about: "the external Redis",
    when: (known: Partial<Settings>) => known.cache?.kind === "external",
  },
  agentCoolifyToken: {
    about: "a token of Coolify with the abilities read and deploy",
    when: (known: Partial<Settings>) => known.tools?.coolifyUrl !== undefined,
  },
  backupIdentity: {
    about: "a private key of age, which drills and the way back of a migration read backups with",
    when: (known: Partial<Settings>) => known.tools?.recipients !== undefined,
  },
  pageUrl: {
    about: "the address that pages are posted to",
    when: (known: Partial<Settings>) => known.tools?.pages === true,
  },
} as const;
export type SecretSetting = keyof typeof secretSettings;

interface Problem {
  path: string;
  what: string;
  next: string;
}

/** Rules between settings. Each sees whatever part of the file is well-formed. */
export const rules: readonly ((known: Partial<Settings>) => Problem | null)[] = [
  function hostsDiffer({ routes }) {
    if (routes === undefined || routes.backend !== routes.frontend) return null;
    return { path: "routes.frontend", what: "is the backend's host too", next: "Give each its own host name." };
  },
  function bucketsDiffer({ storage }) {
    if (storage === undefined || storage.backupBucket !== storage.mediaBucket) return null;
    return {
      path: "storage.mediaBucket",
      what: "is the backup bucket",
      next: "Give uploads a bucket of their own: the application may delete in it.",
    };
  },
  function publicPortOnlyInSandbox({ environment, routes }) {
    if (environment === undefined || environment === "sandbox" || routes?.publicPort === undefined) return null;
    return { path: "routes.publicPort", what: "is set", next: "Leave it out: users come by 443." };
  },
  function unpackedOnlyInSandbox({ environment, migrations }) {
    if (environment === undefined || environment === "sandbox" || migrations?.imageRuntime !== "unpacked") return null;
    return {
      path: "migrations.imageRuntime",
      what: "is unpacked",
      next: "Use docker: only the sandbox runs images on this machine's Node.",
    };
  },
  function somebodyTakesTheBackups({ environment, tools }) {
    if (environment === undefined || environment === "sandbox" || tools !== undefined) return null;
    return {
      path: "tools",
      what: "names no image, and this environment's backups are taken by the clock",
      next: "Give the image that the agent runs, by digest.",
    };
  },
  function somebodyEndsMaintenance({ environment, tools }) {
    if (environment === undefined || environment === "sandbox" || tools === undefined) return null;
    if (tools.coolifyUrl !== undefined) return null;
    return {
      path: "tools.coolifyUrl",
      what: "is missing, so the agent could lift a freeze and not the page that tells users of it",
      next: "Give the address at which containers reach Coolify.",
    };
  },
  function productionIsReviewed({ environment, github }) {
    if (environment !== "production" || github === undefined || github.reviewers.length > 0) return null;
    return { path: "github.reviewers", what: "is empty", next: "Name at least one user who must agree to a release." };
  },
];
