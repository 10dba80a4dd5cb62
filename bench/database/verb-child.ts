// Runs one verb in a process of its own, so that its memory is nobody else's. Input and output: one JSON object.
import { text } from "node:stream/consumers";
import { z } from "zod";
import { createBackup } from "../../operations/backup/create.ts";
import { drillBackup } from "../../operations/backup/drill.ts";
import { restoreBackup } from "../../operations/backup/restore.ts";
import { verifyBackup } from "../../operations/backup/verify.ts";
import { silent } from "../../operations/progress.ts";

const Input = z.strictObject({
  verb: z.enum(["create", "restore", "verify", "drill"]),
  spec: z.record(z.string(), z.unknown()),
  env: z.record(z.string(), z.string()),
});

const { verb, spec, env } = Input.parse(JSON.parse(await text(process.stdin)));
const context = { env, progress: silent, signal: new AbortController().signal };
const verbs = {
  create: () => createBackup.run(createBackup.spec.parse(spec), context),
  restore: () => restoreBackup.run(restoreBackup.spec.parse(spec), context),
  verify: () => verifyBackup.run(verifyBackup.spec.parse(spec), context),
  drill: () => drillBackup.run(drillBackup.spec.parse(spec), context),
};
const began = performance.now();
const result = await verbs[verb]();
const seconds = (performance.now() - began) / 1000;
// The maximum resident set size comes in kilobytes: https://nodejs.org/api/process.html#processresourceusage
const mebibytes = process.resourceUsage().maxRSS / 1024;
process.stdout.write(`${JSON.stringify({ seconds, mebibytes, result })}\n`);
process.exit(0);
