import { xmlAnswer, type Answer } from "../answer.ts";
import { bucketOf, keyOf, type Call } from "../call.ts";
import { checksumElement } from "../checksum/algorithms.ts";
import { compareKeys } from "../store/key-order.ts";
import type { Upload } from "../store/upload.ts";
import type { XmlTree } from "../xml.ts";
import { commonPrefix, owner, readFrame } from "./list.ts";
import { findUpload } from "./multipart.ts";

/** ListMultipartUploads: by key, then by the time they were begun. */
export function listMultipartUploads(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const frame = readFrame(call, "max-uploads");
  const keyMarker = call.query.get("key-marker") ?? "";
  const idMarker = call.query.get("upload-id-marker") ?? "";
  const ordered = bucket.uploads
    .all()
    .filter(({ key }) => key.startsWith(frame.prefix))
    .toSorted((a, b) => compareKeys(a.key, b.key) || a.initiated.localeCompare(b.initiated) || (a.id < b.id ? -1 : 1));
  const marked = ordered.findIndex(({ key, id }) => key === keyMarker && id === idMarker);
  const following =
    marked >= 0
      ? ordered.slice(marked + 1)
      : ordered.filter(({ key }) => keyMarker === "" || compareKeys(key, keyMarker) > 0);
  const shown: Upload[] = [];
  const prefixes: string[] = [];
  let truncated = false;
  for (const upload of following) {
    const group = commonPrefix(upload.key, frame);
    if (group !== undefined && (group === prefixes.at(-1) || group === keyMarker)) continue;
    truncated = shown.length + prefixes.length === frame.limit;
    if (truncated) break;
    if (group === undefined) shown.push(upload);
    else prefixes.push(group);
  }
  const last = shown.at(-1);
  return Promise.resolve(
    xmlAnswer("ListMultipartUploadsResult", {
      Bucket: bucket.name,
      KeyMarker: frame.shown(keyMarker),
      UploadIdMarker: idMarker,
      NextKeyMarker: truncated ? frame.shown(last?.key ?? prefixes.at(-1) ?? "") : undefined,
      NextUploadIdMarker: truncated ? (last?.id ?? "") : undefined,
      Prefix: frame.shown(frame.prefix),
      Delimiter: frame.delimiter === "" ? undefined : frame.shown(frame.delimiter),
      EncodingType: frame.encodingType,
      MaxUploads: frame.limit,
      IsTruncated: truncated,
      Upload: shown.map((upload) => ({
        Key: frame.shown(upload.key),
        Initiated: upload.initiated,
        ...describe(upload),
      })),
      CommonPrefixes: prefixes.map((prefix) => ({ Prefix: frame.shown(prefix) })),
    }),
  );
}

function describe(upload: Upload): XmlTree {
  return {
    UploadId: upload.id,
    Initiator: { ID: upload.initiator, DisplayName: upload.initiator.split("/").at(-1) },
    Owner: owner,
    StorageClass: upload.settings.storageClass,
    ChecksumAlgorithm: upload.algorithm,
    ChecksumType: upload.algorithm === undefined ? undefined : upload.type,
  };
}

/** ListParts. */
export function listParts(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const upload = findUpload(call, bucket);
  const { limit } = readFrame(call, "max-parts");
  const marker = Number(call.query.get("part-number-marker") ?? 0);
  const following = [...upload.parts.values()]
    .filter(({ number }) => number > marker)
    .toSorted((a, b) => a.number - b.number);
  const parts = following.slice(0, limit);
  return Promise.resolve(
    xmlAnswer("ListPartsResult", {
      Bucket: bucket.name,
      Key: keyOf(call),
      ...describe(upload),
      PartNumberMarker: marker,
      NextPartNumberMarker: parts.at(-1)?.number ?? 0,
      MaxParts: limit,
      IsTruncated: following.length > parts.length,
      Part: parts.map(({ number, lastModified, etag, segment, checksum }) => ({
        PartNumber: number,
        LastModified: lastModified,
        ETag: `"${etag}"`,
        Size: segment.size,
        ...(upload.algorithm === undefined ? {} : { [checksumElement(upload.algorithm)]: checksum }),
      })),
    }),
  );
}
