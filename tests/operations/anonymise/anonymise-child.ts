// Anonymises in a process of its own, which kills itself with -9 where it is told.
import { text } from "node:stream/consumers";
import { z } from "zod";
import { anonymise } from "../../../operations/anonymise/anonymise.ts";
import { AnonymiseSpec } from "../../../operations/anonymise/spec.ts";
import type { Progress } from "../../../operations/progress.ts";

/** `killAt`: the step with this title is the last thing that the process sees. */
const Input = z.strictObject({ spec: AnonymiseSpec, killAt: z.string() });
const { spec, killAt } = Input.parse(JSON.parse(await text(process.stdin)));
const reach = (said: string) => {
  if (said.startsWith(killAt)) process.kill(process.pid, "SIGKILL");
};
const progress: Progress = {
  step: (title, work) => {
    reach(title);
    return work(progress);
  },
  note: reach,
};
await anonymise.run(spec, { env: process.env, progress, signal: new AbortController().signal });
process.stdout.write("not killed\n");
process.exit(0);
