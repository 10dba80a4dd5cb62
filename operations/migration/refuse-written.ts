import type pg from "pg";
import type { FreezeTarget } from "../database/freeze.ts";
import { writtenInSpite, type Quiet } from "../database/frozen-writes.ts";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";

/** Refuses to migrate when somebody wrote since the freeze: that may be in no backup, and the way back would lose it. */
export async function refuseWritten(
  client: pg.Client,
  freeze: FreezeTarget,
  quiet: Quiet,
  context: Context,
): Promise<void> {
  const written = await writtenInSpite(client, freeze, quiet, context);
  if (written.length === 0) return;
  throw new OperationError("refused", {
    where: `database ${freeze.database}`,
    what: `was written in spite of the freeze: ${written.join(", ")}.`,
    next: "Find what sets default_transaction_read_only or begins transactions READ WRITE, and run again; nothing was migrated.",
  });
}
