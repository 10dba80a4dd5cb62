import { authorize } from "../access/authorize.ts";
import type { Answer } from "../answer.ts";
import { xmlAnswer } from "../answer.ts";
import { bucketOf, keyOf, type Call } from "../call.ts";
import { checksumElement } from "../checksum/algorithms.ts";
import { StorageError } from "../error.ts";
import type { StoredObject } from "../store/version.ts";
import { readBytes } from "./bytes.ts";
import { checkReadConditions, readConditionsOf } from "./conditions.ts";
import { findObject } from "./find.ts";
import { checksumHeaders, objectHeaders, versionHeader } from "./headers.ts";
import { readRange, type ByteRange } from "./range.ts";

/** Query parameters that replace a header of the answer, for signed requests only. */
const overrides: Readonly<Record<string, string>> = {
  "response-cache-control": "cache-control",
  "response-content-disposition": "content-disposition",
  "response-content-encoding": "content-encoding",
  "response-content-language": "content-language",
  "response-content-type": "content-type",
  "response-expires": "expires",
};

/** GetObject and HeadObject: the whole object, a range or a part. */
export function getObject(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const object = findObject(call, bucket, keyOf(call), call.query.get("versionId"));
  checkReadConditions(readConditionsOf(call), object);
  const part = readPartNumber(call, object);
  const range = part ?? readRange(call.headers.get("range"), object.size);
  const whole = range === null || (range.start === 0 && range.length === object.size);
  const shown = range ?? { start: 0, length: object.size };
  const headers: Record<string, string | undefined> = {
    ...objectHeaders(bucket, object),
    ...(call.headers.get("x-amz-checksum-mode")?.toUpperCase() === "ENABLED" && whole ? checksumHeaders(object) : {}),
    "content-range":
      range === null ? undefined : `bytes ${shown.start}-${shown.start + shown.length - 1}/${object.size}`,
    "x-amz-mp-parts-count": part === null || object.parts === undefined ? undefined : String(object.parts.length),
  };
  for (const [parameter, header] of Object.entries(overrides)) {
    const value = call.query.get(parameter);
    if (value === undefined) continue;
    if (call.verified === null) {
      throw new StorageError(
        "InvalidRequest",
        "Request specific response headers cannot be used for anonymous GET requests.",
      );
    }
    headers[header] = value;
  }
  return Promise.resolve({
    status: range === null ? 200 : 206,
    headers,
    body: { length: shown.length, pieces: () => readBytes(bucket, object.segments, shown.start, shown.length) },
  });
}

function readPartNumber(call: Call, object: StoredObject): ByteRange | null {
  const text = call.query.get("partNumber");
  if (text === undefined) return null;
  if (call.headers.has("range")) {
    throw new StorageError("InvalidRequest", "Cannot specify both Range header and partNumber query parameter");
  }
  const parts = object.parts ?? [{ number: 1, size: object.size }];
  const index = parts.findIndex(
    ({ number }, position) => (object.parts === undefined ? number : position + 1) === Number(text),
  );
  if (index < 0) throw new StorageError("InvalidPartNumber");
  const start = parts.slice(0, index).reduce((sum, { size }) => sum + size, 0);
  return { start, length: parts[index]?.size ?? 0 };
}

/** GetObjectAttributes: needs the right to read the object besides its own. */
export function getObjectAttributes(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const versionId = call.query.get("versionId");
  authorize(call, versionId === undefined ? "s3:GetObject" : "s3:GetObjectVersion", {
    bucket: bucket.name,
    key: keyOf(call),
    ...(versionId === undefined ? {} : { versionId }),
  });
  const object = findObject(call, bucket, keyOf(call), versionId);
  const asked = (call.headers.get("x-amz-object-attributes") ?? "").split(",").map((name) => name.trim());
  const wants = (name: string) => asked.includes(name);
  const { algorithm, type, value } = object.checksum;
  const headers = {
    "last-modified": new Date(object.lastModified).toUTCString(),
    ...versionHeader(bucket, object),
  };
  const content = {
    ETag: wants("ETag") ? object.etag : undefined,
    Checksum: wants("Checksum")
      ? { [checksumElement(algorithm)]: value.replace(/-\d+$/, ""), ChecksumType: type }
      : undefined,
    ObjectParts: wants("ObjectParts") && object.parts !== undefined ? partsOf(object) : undefined,
    StorageClass: wants("StorageClass") ? object.storageClass : undefined,
    ObjectSize: wants("ObjectSize") ? object.size : undefined,
  };
  return Promise.resolve(xmlAnswer("GetObjectAttributesResponse", content, headers));
}

function partsOf(object: StoredObject) {
  const parts = object.parts ?? [];
  return {
    PartsCount: parts.length,
    // S3 lists the parts only where each has a checksum of its own that still counts.
    Part:
      object.checksum.type === "COMPOSITE"
        ? parts.map(({ number, size, checksum }) => ({
            PartNumber: number,
            Size: size,
            ...(checksum === undefined ? {} : { [checksumElement(checksum.algorithm)]: checksum.value }),
          }))
        : [],
  };
}
