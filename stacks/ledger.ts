import { RunError } from "@pulumi/pulumi";
import { execFile } from "node:child_process";
import { LedgerHead, type LedgerLocation, ReleaseRecord } from "../operations/release/spec.ts";

/** What the program has to know of the ledger. It never writes to it: that is the verbs' work. */
export interface LedgerReader {
  head(location: LedgerLocation): Promise<LedgerHead>;
  /** Throws a RunError that lists the known ids when there is none of that id. */
  show(location: LedgerLocation, id: string): Promise<ReleaseRecord>;
}

const timeoutMs = 30_000;

/** Asks `affexai ledger head` and `affexai ledger show`, each a process of its own. */
export const ledgerReader: LedgerReader = {
  head: async (location) => LedgerHead.parse(await ask("head", location)),
  show: async (location, id) => ReleaseRecord.parse(await ask("show", { ...location, id })),
};

function ask(verb: "head" | "show", spec: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      ["operations/cli.ts", "ledger", verb],
      { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: 32 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) resolve(JSON.parse(stdout));
        else
          reject(
            new RunError(
              `The ledger could not be read.\n${stderr.trim() || `No answer within ${timeoutMs / 1000} s. Check AWS_ENDPOINT_URL and the credentials.`}`,
            ),
          );
      },
    );
    child.stdin?.end(JSON.stringify(spec));
  });
}
