import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { Command } from "@pulumi/command/local/command.js";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import { PostgresDatabase } from "../components/postgres-database.ts";
import { RedisCache } from "../components/redis-cache.ts";
import { judge, type ResourceClass, rule } from "./judge.ts";

const databases = [PostgresDatabase.__pulumiType, RedisCache.__pulumiType] as const;

/** What belongs to a database; anything of these classes elsewhere holds no data. */
function ofDatabase(resourceClass: ResourceClass) {
  return judge(resourceClass, (_props, refuse, { urn, opts }) => {
    const types = (urn.split("::")[2] ?? "").split("$");
    if (databases.some((type) => types.includes(type)) && !opts.protect) refuse("protect must be true.");
  });
}

/** A rename or a slip in the program must not be able to delete a bucket, a database, or the only copy of its password. */
export const statefulResourcesProtected = rule(
  {
    name: "stateful-resources-protected",
    description: "What holds data cannot be deleted or replaced by a run.",
    severity: "critical",
    remediationSteps: "Set the resource option `protect: true`; use `aliases` for a rename.",
  },
  judge(Bucket, (props, refuse, { opts }) => {
    if (!opts.protect) refuse("protect must be true.");
    if (props["forceDestroy"] !== undefined && props["forceDestroy"] !== false) refuse("forceDestroy must be false.");
  }),
  ofDatabase(Command),
  ofDatabase(RandomPassword),
);
