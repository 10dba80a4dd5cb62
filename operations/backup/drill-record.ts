import { GetObjectCommand, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { parseJson } from "../json.ts";
import type { BackupStore } from "./backup-store.ts";
import { BackupDrillResult } from "./spec.ts";

const prefixOf = ({ target }: BackupStore) => `drills/${target.environment}/`;

/** Records a drill that succeeded: `drills/<environment>/<backup id>.<time>.json`, written once. */
export async function recordDrill(store: BackupStore, drill: BackupDrillResult): Promise<void> {
  const time = drill.drilledAt.replace(/[-:]|\.\d+/g, "");
  await store.put(`${prefixOf(store)}${drill.id}.${time}.json`, JSON.stringify(drill, null, 2), "application/json");
}

/** The recorded drills of an environment, oldest first; of one backup when its id is given. */
export async function readDrills(store: BackupStore, id?: string): Promise<BackupDrillResult[]> {
  const found = (await drillKeys(store)).filter((one) => id === undefined || one.id === id);
  return Promise.all(found.map(({ key }) => readDrill(store, key)));
}

/** When each drilled backup was last proven, by its id. Reads names only. */
export async function lastDrills(store: BackupStore): Promise<ReadonlyMap<string, string>> {
  return new Map((await drillKeys(store)).map(({ id, drilledAt }) => [id, drilledAt]));
}

async function drillKeys(store: BackupStore): Promise<{ key: string; id: string; drilledAt: string }[]> {
  const prefix = prefixOf(store);
  return store.attempt(`listing ${prefix}`, async () => {
    const keys: { key: string; id: string; drilledAt: string }[] = [];
    const pages = paginateListObjectsV2({ client: store.storage }, { Bucket: store.target.bucket, Prefix: prefix });
    for await (const page of pages) {
      for (const { Key: key = "" } of page.Contents ?? []) {
        const [, id, time = ""] = /^(.+)\.(\d{8}T\d{6}Z)\.json$/.exec(key.slice(prefix.length)) ?? [];
        const drilledAt = time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z");
        if (id !== undefined) keys.push({ key, id, drilledAt });
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
