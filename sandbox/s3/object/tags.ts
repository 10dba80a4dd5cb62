import { StorageError } from "../error.ts";

/** An object may have ten tags, a bucket fifty. */
const maximumObjectTags = 10;

/** Reads `x-amz-tagging`: `key=value&key=value`. */
export function readTagHeader(header: string | undefined): Record<string, string> {
  return checkedTags(
    [...new URLSearchParams(header ?? "")].map(([Key, Value]) => ({ Key, Value })),
    maximumObjectTags,
  );
}

/** Throws InvalidTag for doubled or overlong tags, BadRequest-like InvalidTag for too many. */
export function checkedTags(
  tags: readonly { Key: string; Value: string }[],
  maximum = maximumObjectTags,
): Record<string, string> {
  if (tags.length > maximum) throw new StorageError("InvalidTag", `Object tags cannot be greater than ${maximum}`);
  const read: Record<string, string> = {};
  for (const { Key, Value } of tags) {
    if (Key === "" || Key.length > 128) throw new StorageError("InvalidTag", "The TagKey you have provided is invalid");
    if (Value.length > 256) throw new StorageError("InvalidTag", "The TagValue you have provided is invalid");
    if (Object.hasOwn(read, Key)) {
      throw new StorageError("InvalidTag", "Cannot provide multiple Tags with the same key");
    }
    read[Key] = Value;
  }
  return read;
}

/** The `TagSet` of a tagging document. */
export function tagSet(tags: Readonly<Record<string, string>>): { Tag: { Key: string; Value: string }[] } {
  return { Tag: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
}
