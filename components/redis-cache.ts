import * as pulumi from "@pulumi/pulumi";
import { type Placement, RedisSpec } from "../operations/coolify/spec.ts";
import { ownerOf } from "./command.ts";
import { coolifyDatabase } from "./coolify-database.ts";

export type RedisCacheArgs =
  | {
      kind: "coolify";
      placement: pulumi.Input<Placement>;
      /** The name in Coolify. */
      cache: string;
      /** Image with a tag. */
      image: string;
    }
  | {
      kind: "external";
      /** An existing server's URL. Secret. */
      url: pulumi.Input<string>;
    };

/** Redis: private on Coolify and protected from deletion (it holds the queues), or somebody else's, adopted by its URL. */
export class RedisCache extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:coolify:RedisCache";
  /** `redis://default:<password>@<host>:<port>/0`. Secret. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: RedisCacheArgs, opts?: pulumi.ComponentResourceOptions) {
    const declared = args.kind === "external" ? { ...args, url: pulumi.secret(args.url) } : args;
    super(RedisCache.__pulumiType, name, declared, opts);
    this.url = args.kind === "external" ? pulumi.secret(args.url) : this.#onCoolify(name, args);
    this.registerOutputs({ url: this.url });
  }

  #onCoolify(name: string, args: Extract<RedisCacheArgs, { kind: "coolify" }>): pulumi.Output<string> {
    const { password, server } = coolifyDatabase(
      name,
      {
        noun: "redis",
        spec: RedisSpec,
        input: { owner: ownerOf(name), placement: args.placement, name: args.cache, image: args.image },
        passwordVariable: "REDIS_PASSWORD",
      },
      this,
    );
    return pulumi.secret(pulumi.interpolate`redis://default:${password}@${server.host}:${server.port}/0`);
  }
}
