import type { Command } from "commander";
import { writeFile } from "node:fs/promises";
import { cells } from "../migration/report.ts";
import { Ledger, attemptState } from "../release/ledger.ts";
import { ReleaseRecord } from "../release/spec.ts";
import { onStack, readStack, stackEnvironment } from "../stack.ts";
import { objectStorage } from "../storage.ts";
import { withImageOptions } from "./image-options.ts";
import { noun, table, type Surroundings } from "./surroundings.ts";

interface CreateOptions {
  backend: string;
  frontend: string;
  maintenance?: boolean;
  imageRuntime: "docker" | "unpacked";
  dataSource: string;
  nodePath: string;
  stack?: string;
  out: string;
}

/** `affexai release create|list|show`. */
export function addReleaseVerbs(program: Command, { watched, write }: Surroundings): void {
  const release = noun(program, "release", "release records: what was built, and what it does to the database");

  withImageOptions(release.command("create"))
    .description("make the record of a release from its built images")
    .requiredOption("--backend <image>", "by digest or tag")
    .requiredOption("--frontend <image>", "by digest or tag")
    .option("--maintenance", "the release declares a maintenance window")
    .option("--stack <name>", "rehearse on its newest backup too; needs REHEARSAL_DATABASE_URL")
    .option("--out <file>", "where the record is written", "release.json")
    .action(async ({ out, stack, maintenance = false, ...options }: CreateOptions) => {
      const { createRelease } = await import("../release/create.ts");
      const record = await watched(false, (context) =>
        stack === undefined
          ? createRelease({ ...options, maintenance }, context)
          : onStack(stack, context, ({ targets: { bucket, environment } }, inner) =>
              createRelease({ ...options, maintenance, backup: { bucket, environment } }, inner),
            ),
      );
      await writeFile(out, `${JSON.stringify(record, null, 2)}\n`);
      write(`${out}\n${describe(record)}`);
    });

  release
    .command("list")
    .description("attempts, newest first: what was tried, and what came of it")
    .requiredOption("--stack <name>", "whose ledger")
    .option("--json", "as one JSON object")
    .action(async ({ stack, json = false }: { stack: string; json?: boolean }) => {
      const attempts = await watched(json, async (context) => {
        const ledger = await ledgerOf(stack, context);
        const history = await ledger.history();
        return Promise.all(history.toReversed().map(({ id }) => ledger.attempt(id)));
      });
      const rows = attempts.map(({ id, release, at, events }) => [id, release, attemptState(events), at]);
      write(json ? JSON.stringify({ attempts }) : table([["ATTEMPT", "RELEASE", "STATE", "BEGUN"], ...rows]));
    });

  release
    .command("show")
    .description("one recorded release")
    .argument("<id>")
    .requiredOption("--stack <name>", "whose ledger")
    .option("--json", "the record as it is kept")
    .action(async (id: string, { stack, json = false }: { stack: string; json?: boolean }) => {
      const { showRelease } = await import("../release/ledger-verbs.ts");
      const record = await watched(json, async (context) => {
        const { targets } = await readStack(stack, context);
        return ReleaseRecord.parse(
          await showRelease.run({ bucket: targets.bucket, environment: targets.environment, id }, context),
        );
      });
      write(json ? JSON.stringify(record) : describe(record));
    });
}

async function ledgerOf(stack: string, context: Parameters<typeof readStack>[1]): Promise<Ledger> {
  const outputs = await readStack(stack, context);
  const { bucket, environment } = outputs.targets;
  return new Ledger(objectStorage(stackEnvironment(outputs, context.env)), { bucket, environment });
}

function describe({ id, gitSha, images, migrations, maintenance }: ReleaseRecord): string {
  const head = [
    [`release`, id],
    [`commit`, gitSha],
    [`backend`, images.backend],
    [`frontend`, images.frontend],
    [`maintenance`, maintenance ? "declared" : "none"],
  ];
  const list = [["MIGRATION", "CLASS", "WORST LOCK", "REWRITES", "TIME", "DOWN"], ...migrations.map(cells)];
  return `${table(head)}\n\n${migrations.length === 0 ? "no migrations" : table(list)}`;
}
