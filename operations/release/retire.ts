import { z } from "zod";
import type { Verb } from "../verb.ts";

const Retired = z.strictObject({ retired: z.boolean() });

/**
 * What removing a smoke test or a ledger entry from the program does: nothing. History is append-only, and a test leaves nothing
 * behind. Accepts whatever spec was stored when the resource was made.
 */
export const retireHistory: Verb<z.ZodUnknown, typeof Retired> = {
  spec: z.unknown(),
  result: Retired,
  async run(_spec, { progress }) {
    progress.note("nothing to remove: the ledger only grows");
    return { retired: false };
  },
};
