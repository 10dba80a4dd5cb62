import { CoolifyApplication } from "../components/coolify-application.ts";
import { DatabaseMigration } from "../components/database-migration.ts";
import { PinnedImage } from "../operations/release/spec.ts";
import { judge, objectAt, rule } from "./judge.ts";

const wanted = "must be <registry>/<repository>@sha256:<64 hex digits>.";

/** A tag can move between the preview that somebody approved and the run; a digest cannot. */
export const imagePinnedByDigest = rule(
  {
    name: "image-pinned-by-digest",
    description: "Images are named by digest.",
    severity: "high",
    remediationSteps: "Deploy the image that the release record names; make a record with `affexai release create`.",
  },
  judge(CoolifyApplication, (props, refuse) => {
    const image = PinnedImage.safeParse(props["image"]);
    if (!image.success) return refuse(`image ${wanted}`);
    const told = objectAt(props, "variables")["AFFEXAI_IMAGE_DIGEST"];
    if (told !== image.data.slice(image.data.indexOf("@") + 1)) {
      refuse("variables.AFFEXAI_IMAGE_DIGEST must be the digest of image: it is how a running version is recognised.");
    }
  }),
  judge(DatabaseMigration, (props, refuse) => {
    const image = PinnedImage.safeParse(props["image"]);
    if (!image.success) return refuse(`image ${wanted}`);
    if (objectAt(objectAt(props, "record"), "images")["backend"] !== image.data) {
      refuse("image must be the backend's image of the release record: its migrations were read from there.");
    }
  }),
);
