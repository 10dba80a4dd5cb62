import type { CoolifyError } from "../client.ts";

/** One thing that was looked at before anything is changed. */
export type Check =
  | { readonly what: string; readonly state: "ok"; readonly seen: string }
  /** `next`: what to do about it. */
  | { readonly what: string; readonly state: "problem"; readonly seen: string; readonly next: string }
  /** It could not be looked at; `next` says how it can be. */
  | { readonly what: string; readonly state: "unknown"; readonly seen: string; readonly next: string };

export const ok = (what: string, seen: string): Check => ({ what, state: "ok", seen });
export const problem = (what: string, seen: string, next: string): Check => ({ what, state: "problem", seen, next });
export const unknown = (what: string, seen: string, next: string): Check => ({ what, state: "unknown", seen, next });

/** A refused answer as a problem, in Coolify's words and with their remedy. */
export const refusedBy = (what: string, { text }: CoolifyError): Check =>
  problem(what, text.what.replace(/\.$/, ""), text.next);
