import type { Coolify } from "../context.ts";
import { generatedLabels } from "../deployments/labels.ts";
import type { Application } from "../records.ts";
import { locate } from "./lookup.ts";

/**
 * Overwrites the labels with generated ones, as plain lines: empty without a domain. Happens on create, and when a request touches
 * domains, noindex_domains, basic authentication, is_gzip_enabled or is_stripprefix_enabled. Source: Coolify 379abb2, update_by_uuid
 * and applyApplicationSettings in ApplicationsController.php.
 */
export function regenerateLabels(coolify: Coolify, application: Application): void {
  if (!application.settings.is_container_label_readonly_enabled) return;
  application.columns.custom_labels = generatedLabels(coolify, application).join("\n");
}

/** False when the server's proxy is set to none: Coolify then ignores domains on PATCH without a word. */
export function proxyShouldRun(coolify: Coolify, application: Application): boolean {
  return locate(coolify, application).server.proxyType !== "NONE";
}
