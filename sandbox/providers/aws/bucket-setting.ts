import type { S3 } from "@aws-sdk/client-s3";
import { z } from "zod";
import { type ResourceType, resource } from "../provider.ts";
import { ifThere, s3 } from "./clients.ts";

/** One sub-resource of a bucket: a document that is put, read and removed as a whole. */
export interface BucketSetting<Fields extends z.ZodRawShape> {
  readonly fields: Fields;
  put(client: S3, inputs: z.output<z.ZodObject<Fields>> & { bucket: string }): Promise<void>;
  /** Null when the bucket has none. `known` is what was put, for settings whose form is free. */
  get(client: S3, bucket: string, known: z.output<z.ZodObject<Fields>>): Promise<z.output<z.ZodObject<Fields>> | null>;
  remove(client: S3, bucket: string): Promise<unknown>;
}

/** Its id is the bucket's name, as in the official provider; another bucket means another resource. */
export function bucketSetting<Fields extends z.ZodRawShape>(setting: BucketSetting<Fields>): ResourceType {
  type Inputs = z.output<z.ZodObject<Fields>> & { bucket: string };
  const inputs = z.strictObject({ ...setting.fields, bucket: z.string() }) as unknown as z.ZodType<Inputs>;
  return resource({
    inputs,
    replaceOn: ["bucket"],
    async create(wanted, call) {
      await setting.put(await s3(call), wanted);
      return { id: wanted.bucket };
    },
    async read({ id, inputs: known }, call) {
      const found = await setting.get(await s3(call), id, known);
      return found === null ? null : { inputs: { ...found, bucket: id } };
    },
    async update(_existing, wanted, call) {
      await setting.put(await s3(call), wanted);
      return {};
    },
    async delete({ id }, call) {
      await ifThere(setting.remove(await s3(call), id));
    },
  });
}
