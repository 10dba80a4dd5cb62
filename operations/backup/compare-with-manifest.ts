import type pg from "pg";
import { readContents } from "../database/content.ts";
import { readFingerprint } from "../database/fingerprint.ts";
import { readHistory } from "../database/history.ts";
import { invalidIndexes, laggingSequences } from "../database/integrity.ts";
import { readLargeObjects, type LargeObjects } from "../database/large-objects.ts";
import { readSequences, type SequenceValue } from "../database/sequences.ts";
import type { Manifest } from "./manifest.ts";

/**
 * What a restored database has that its manifest does not say, a phrase each: rows and content of every table, the large objects, the schema, the history
 * of migrations, the sequences, and whether indexes hold. Empty when they are equal. Foreign keys are not looked at again: PostgreSQL did when
 * they were added to these rows, and a restore in which one did not hold has failed.
 */
export async function differencesFromManifest(client: pg.Client, manifest: Manifest): Promise<string[]> {
  const differences: string[] = [];
  const restored = new Map((await readContents(client)).map((content) => [content.table, content]));
  for (const { table, rows, hash } of manifest.tables) {
    const found = restored.get(table);
    restored.delete(table);
    if (found === undefined) differences.push(`${table} is missing`);
    else if (found.rows !== rows) differences.push(`${table} has ${found.rows} rows instead of ${rows}`);
    else if (found.hash !== hash) differences.push(`${table} has other content`);
  }
  differences.push(...[...restored.keys()].map((table) => `${table} is not in the manifest`));
  differences.push(...largeObjectDifferences(await readLargeObjects(client), manifest));
  if ((await readFingerprint(client, manifest.historyTable)).sha256 !== manifest.fingerprint)
    differences.push("the schema differs");
  const history = (await readHistory(client, manifest.historyTable)).map(({ name }) => name);
  if (history.join() !== manifest.migrations.join()) differences.push("the history of migrations differs");
  differences.push(...sequenceDifferences(await readSequences(client), manifest));
  differences.push(...(await invalidIndexes(client)).map((index) => `index ${index} is invalid`));
  // What lagged in the original already is not the restore's doing.
  differences.push(...(await laggingSequences(client)).filter((line) => !wasSoInManifest(line, manifest)));
  return differences;
}

function largeObjectDifferences(restored: LargeObjects, { largeObjects: had }: Manifest): string[] {
  if (restored.count !== had.count) return [`there are ${restored.count} large objects instead of ${had.count}`];
  return restored.hash === had.hash ? [] : ["the large objects have other content"];
}

/** Where sequences stand is outside of any snapshot: the dump's and the manifest's figures are equal only if nobody wrote between them. */
function sequenceDifferences(restored: readonly SequenceValue[], { sequences, frozen }: Manifest): string[] {
  const found = new Map(restored.map(({ sequence, lastValue }) => [sequence, lastValue]));
  return sequences.flatMap(({ sequence, lastValue }) => {
    const now = found.get(sequence);
    if (now === undefined) return [`sequence ${sequence} is missing, or as if never used`];
    return frozen && now !== lastValue ? [`sequence ${sequence} stands at ${now} instead of ${lastValue}`] : [];
  });
}

function wasSoInManifest(lagging: string, { sequences }: Manifest): boolean {
  const [name = ""] = lagging.split(" at ");
  const known = sequences.find(({ sequence }) => sequence === name);
  return known === undefined || lagging.startsWith(`${name} at ${known.lastValue},`);
}
