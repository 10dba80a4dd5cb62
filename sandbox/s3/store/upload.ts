import { z } from "zod";
import { ObjectSettings, Segment } from "./version.ts";

const Algorithm = z.enum(["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]);

/** A multipart upload as it was begun: the file `uploads/<id>/upload.json`. */
export const UploadFile = z.object({
  id: z.string(),
  key: z.string(),
  initiated: z.iso.datetime(),
  /** ARN of whoever began it. */
  initiator: z.string(),
  settings: ObjectSettings,
  /** Undefined: the client named none, so S3 computes CRC64NVME over the whole object. */
  algorithm: Algorithm.optional(),
  type: z.enum(["COMPOSITE", "FULL_OBJECT"]),
});
export type UploadFile = z.infer<typeof UploadFile>;

/** An uploaded part: the file `uploads/<id>/<number>.json`. Uploading the number again replaces it. */
export const PartFile = z.object({
  number: z.int(),
  segment: Segment,
  /** MD5 of the part, hex. */
  etag: z.string(),
  lastModified: z.iso.datetime(),
  /** Checksum of the part in the upload's algorithm, base64. */
  checksum: z.string(),
});
export type PartFile = z.infer<typeof PartFile>;

export interface Upload extends UploadFile {
  readonly parts: ReadonlyMap<number, PartFile>;
}
