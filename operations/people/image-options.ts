import { Option, type Command } from "commander";

/** How a verb runs commands inside the backend's image, and what it finds there. */
export function withImageOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--image-runtime <how>", "how commands run in the image")
        .choices(["docker", "unpacked"])
        .default("docker"),
    )
    .option(
      "--data-source <path>",
      "the TypeORM data source, from the image's working directory",
      "dist/database/data-source.js",
    )
    .option("--node-path <path>", "node inside the image", "node");
}
