import { noContent, xmlAnswer, type Answer } from "../answer.ts";
import { bucketOf, keyOf, type Call } from "../call.ts";
import { Tagging } from "../bucket/documents.ts";
import { parseXml } from "../xml.ts";
import { alterObject, findObject } from "./find.ts";
import { versionHeader } from "./headers.ts";
import { checkedTags, tagSet } from "./tags.ts";

/** GetObjectTagging. */
export function getObjectTagging(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const object = findObject(call, bucket, keyOf(call), call.query.get("versionId"));
  return Promise.resolve(xmlAnswer("Tagging", { TagSet: tagSet(object.tags) }, versionHeader(bucket, object)));
}

/** PutObjectTagging: replaces the whole set. */
export async function putObjectTagging(call: Call): Promise<Answer> {
  const tags = checkedTags(parseXml("Tagging", Tagging, await call.payload.text()).TagSet.Tag);
  return setTags(call, tags, 200);
}

/** DeleteObjectTagging. */
export async function deleteObjectTagging(call: Call): Promise<Answer> {
  return setTags(call, {}, noContent.status);
}

async function setTags(call: Call, tags: Record<string, string>, status: number): Promise<Answer> {
  const bucket = bucketOf(call);
  const object = await alterObject(call, bucket, keyOf(call), (before) => ({ ...before, tags }));
  return { status, headers: versionHeader(bucket, object) };
}
