import { GetObjectCommand, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { parseJson } from "../json.ts";
import type { BackupStore } from "./backup-store.ts";
import { BackupDrillResult, type FailedDrill, type LastDrill } from "./spec.ts";

const prefixOf = ({ target }: BackupStore) => `drills/${target.environment}/`;

/** Records a drill: `drills/<environment>/<backup id>.<time>.json`, `….failed.json` where it did not prove the backup; written once. */
export async function recordDrill(store: BackupStore, drill: BackupDrillResult | FailedDrill): Promise<void> {
  const time = drill.drilledAt.replace(/[-:.]/g, "");
  const name = `${drill.id}.${time}${"why" in drill ? ".failed" : ""}.json`;
  await store.put(`${prefixOf(store)}${name}`, JSON.stringify(drill, null, 2), "application/json");
}

/** The recorded drills of an environment that proved their backup, oldest first; of one backup when its id is given. */
export async function readDrills(store: BackupStore, id?: string): Promise<BackupDrillResult[]> {
  const found = (await drillKeys(store)).filter((one) => one.proven && (id === undefined || one.id === id));
  return Promise.all(found.map(({ key }) => readDrill(store, key)));
}

/** How the last drill of each drilled backup ended, by its id. Reads names only. */
export async function lastDrills(store: BackupStore): Promise<ReadonlyMap<string, LastDrill>> {
  return new Map((await drillKeys(store)).map(({ id, drilledAt, proven }) => [id, { drilledAt, proven }]));
}

interface DrillKey extends LastDrill {
  readonly key: string;
  readonly id: string;
}

async function drillKeys(store: BackupStore): Promise<DrillKey[]> {
  const prefix = prefixOf(store);
  return store.attempt(`listing ${prefix}`, async () => {
    const keys: DrillKey[] = [];
    const pages = paginateListObjectsV2({ client: store.storage }, { Bucket: store.target.bucket, Prefix: prefix });
    for await (const page of pages) {
      for (const { Key: key = "" } of page.Contents ?? []) {
        const [, id, time = "", failed] =
          /^([^.]+)\.(\d{8}T\d{9}Z)(\.failed)?\.json$/.exec(key.slice(prefix.length)) ?? [];
        const drilledAt = time.replace(/^(....)(..)(..)T(..)(..)(..)(...)Z$/, "$1-$2-$3T$4:$5:$6.$7Z");
        if (id !== undefined) keys.push({ key, id, drilledAt, proven: failed === undefined });
      }
    }
    return keys.sort((one, other) => one.drilledAt.localeCompare(other.drilledAt));
  });
}

async function readDrill(store: BackupStore, key: string): Promise<BackupDrillResult> {
  const { Body } = await store.attempt(`reading ${key}`, () =>
    store.storage.send(new GetObjectCommand({ Bucket: store.target.bucket, Key: key })),
  );
  return BackupDrillResult.parse(parseJson((await Body?.transformToString()) ?? ""));
}
