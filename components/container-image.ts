import * as pulumi from "@pulumi/pulumi";
import { getRegistryImage } from "@pulumi/docker/getRegistryImage.js";
import { Image } from "@pulumi/docker/image.js";

export type ContainerImageArgs =
  | {
      mode: "reference";
      /** `<registry>/<repository>@sha256:<64 hex>`: built and pushed elsewhere. */
      image: string;
    }
  | {
      mode: "build";
      /** `<registry>/<repository>:<tag>`: built from `context` and pushed here. */
      tag: string;
      context: string;
      dockerfile: string;
      /** Kept in the image for everyone to read: never a secret. */
      buildArgs?: Record<string, string>;
    };

/**
 * One image by its digest.
 *
 * By reference, the registry is asked in each preview whether it still holds that digest, so a release whose image was removed is
 * refused before anything changes. When it is built here its digest exists only after the build: no policy lets such an image be
 * deployed in the same run. A release record is made from it first.
 */
export class ContainerImage extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:delivery:ContainerImage";
  /** `<registry>/<repository>@sha256:<64 hex>`. */
  readonly reference: pulumi.Output<string>;

  constructor(name: string, args: ContainerImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super(ContainerImage.__pulumiType, name, args, opts);
    this.reference = args.mode === "reference" ? this.#resolve(args.image) : this.#build(name, args);
    this.registerOutputs({ reference: this.reference });
  }

  #resolve(image: string): pulumi.Output<string> {
    const [repository, digest] = image.split("@");
    if (repository === undefined || digest === undefined || !/^sha256:[0-9a-f]{64}$/.test(digest)) {
      throw new pulumi.ResourceError(
        `image must end in @sha256:<64 hex digits>, got ${image}. Take it from the release record.`,
        this,
        true,
      );
    }
    const asked = getRegistryImage({ name: image }, { parent: this }).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new pulumi.ResourceError(
        `the registry does not give ${image} (${reason}). Push it again, or name a release whose images are there; if it is there, log in to the registry.`,
        this,
        true,
      );
    });
    return pulumi.output(asked).apply(({ sha256Digest }) => {
      if (sha256Digest !== digest) {
        throw new pulumi.ResourceError(
          `the registry answers ${sha256Digest} for ${image}. Check the registry, or make the release again.`,
          this,
          true,
        );
      }
      return `${repository}@${digest}`;
    });
  }

  #build(name: string, args: Extract<ContainerImageArgs, { mode: "build" }>): pulumi.Output<string> {
    const image = new Image(
      `${name}-build`,
      {
        imageName: args.tag,
        build: {
          context: args.context,
          dockerfile: args.dockerfile,
          platform: "linux/amd64",
          ...(args.buildArgs === undefined ? {} : { args: args.buildArgs }),
        },
        buildOnPreview: false,
      },
      // An image that a release names must outlive this program.
      { parent: this, retainOnDelete: true },
    );
    return image.repoDigest;
  }
}
