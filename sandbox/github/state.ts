import { z } from "zod";

const Times = { createdAt: z.string(), updatedAt: z.string() };

/** Kept in plain text, so that tests can see what a workflow would be given. This is a stand-in. */
const Secret = z.object({ value: z.string(), ...Times });
const Variable = z.object({ value: z.string(), ...Times });
const KeyPair = z.object({ id: z.string(), publicKey: z.string(), privateKey: z.string() });

/** Secrets and variables live in the repository or in one of its environments; each has a key pair of its own. */
const Vault = z.object({
  key: KeyPair,
  secrets: z.record(z.string(), Secret),
  variables: z.record(z.string(), Variable),
});
export type Vault = z.infer<typeof Vault>;

export const Reviewer = z.object({ type: z.literal("User"), id: z.int() });
export const BranchPolicy = z.object({ id: z.int(), name: z.string(), type: z.enum(["branch", "tag"]) });

const Environment = z.object({
  id: z.int(),
  name: z.string(),
  ...Times,
  /** Minutes. */
  waitTimer: z.int(),
  preventSelfReview: z.boolean(),
  canAdminsBypass: z.boolean(),
  reviewers: z.array(Reviewer),
  /** Null: any branch may deploy. */
  branchPolicy: z.enum(["protected", "custom"]).nullable(),
  policies: z.array(BranchPolicy),
  vault: Vault,
});
export type Environment = z.infer<typeof Environment>;

export const deploymentStates = [
  "error",
  "failure",
  "inactive",
  "in_progress",
  "queued",
  "pending",
  "success",
] as const;

const DeploymentStatus = z.object({
  id: z.int(),
  state: z.enum(deploymentStates),
  description: z.string(),
  environment: z.string(),
  environmentUrl: z.string(),
  logUrl: z.string(),
  ...Times,
});
export type DeploymentStatus = z.infer<typeof DeploymentStatus>;

const Deployment = z.object({
  id: z.int(),
  sha: z.string(),
  ref: z.string(),
  task: z.string(),
  payload: z.union([z.string(), z.record(z.string(), z.json())]),
  environment: z.string(),
  description: z.string().nullable(),
  transient: z.boolean(),
  production: z.boolean(),
  ...Times,
  /** Newest first. */
  statuses: z.array(DeploymentStatus),
});
export type Deployment = z.infer<typeof Deployment>;

const Ruleset = z.object({
  id: z.int(),
  name: z.string(),
  target: z.enum(["branch", "tag", "push"]),
  enforcement: z.enum(["disabled", "active", "evaluate"]),
  bypassActors: z.array(z.record(z.string(), z.json())),
  conditions: z.record(z.string(), z.json()),
  rules: z.array(z.record(z.string(), z.json())),
  ...Times,
});
export type Ruleset = z.infer<typeof Ruleset>;

const Commit = z.object({
  sha: z.string(),
  tree: z.string(),
  parent: z.string().nullable(),
  message: z.string(),
  date: z.string(),
  author: z.object({ name: z.string(), email: z.string() }),
  /** Blob by path, of the whole tree. */
  files: z.record(z.string(), z.string()),
});
export type Commit = z.infer<typeof Commit>;

const User = z.object({ login: z.string(), id: z.int(), type: z.enum(["User", "Organization"]) });
export type User = z.infer<typeof User>;

/** Everything that is kept: the file `github.json`. */
export const State = z.object({
  /** The next id of anything; ids are never used twice. */
  nextId: z.int(),
  owner: User,
  /** Whom the token belongs to. */
  operator: User,
  repository: z.object({ id: z.int(), name: z.string(), createdAt: z.string() }),
  defaultBranch: z.string(),
  vault: Vault,
  environments: z.array(Environment),
  deployments: z.array(Deployment),
  rulesets: z.array(Ruleset),
  /** Commit by branch. */
  branches: z.record(z.string(), z.string()),
  commits: z.record(z.string(), Commit),
  /** Content by SHA, base64. */
  blobs: z.record(z.string(), z.string()),
});
export type State = z.infer<typeof State>;

/** Now, to the second: GitHub's times have no fraction. */
export function timestamp(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, "Z");
}
