// Loaded into a container's process with `node --import`, like network.mjs, and plain JavaScript for the same reason. In a container the search
// for a module ends at the root folder. An image's files lie somewhere below this repository, so Node's search would go on into folders that the image
// does not have, and a dependency missing in the image would be found outside of it. AFFEXAI_CONTAINER_ROOT is that root folder.
import { realpathSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = process.env.AFFEXAI_CONTAINER_ROOT;
if (root !== undefined) {
  const inside = pathToFileURL(join(realpathSync(root), "/")).href;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const found = nextResolve(specifier, context);
      const asks = context.parentURL?.startsWith(inside) === true;
      if (!asks || !found.url.startsWith("file:") || found.url.startsWith(inside)) return found;
      const required = context.conditions?.includes("require") === true;
      throw Object.assign(
        new Error(`Cannot find module '${specifier}' in the image, imported from ${context.parentURL}`),
        {
          code: required ? "MODULE_NOT_FOUND" : "ERR_MODULE_NOT_FOUND",
        },
      );
    },
  });
}
