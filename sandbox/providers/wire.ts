import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb.js";

/** Property values as the engine sends them: plain data in which secrets and unknown values are marked. */
export type Wire = Record<string, unknown>;

// The marks are the engine's own: sdk/go/common/resource/plugin/rpc.go and sdk/nodejs/runtime/rpc.ts.
const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
/** Stands for a value that a preview cannot know. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const unknownValues = new Set([
  unknownValue,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // boolean
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // array
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);

export function fromStruct(message: Struct | undefined): Wire {
  return message?.toJavaScript() ?? {};
}

/** Fields without a value are left out: protobuf has no word for them. */
export function toStruct(value: Wire): Struct {
  return struct.Struct.fromJavaScript(definedOnly(value) as Record<string, JavaScriptValue>);
}

export function secret(value: unknown): unknown {
  return isUnknown(value) ? value : { [signature]: secretSignature, value };
}

/** The value without its marks of secrecy, at any depth. */
export function reveal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reveal);
  if (typeof value !== "object" || value === null) return value;
  const fields = value as Wire;
  if (fields[signature] === secretSignature) return reveal(fields["value"]);
  return Object.fromEntries(Object.entries(fields).map(([key, item]) => [key, reveal(item)]));
}

export function revealAll(value: Wire): Wire {
  return reveal(value) as Wire;
}

export function isUnknown(value: unknown): boolean {
  return typeof value === "string" && unknownValues.has(value);
}

/** Whether two values are the same apart from secrecy and from fields without a value. An unknown value equals nothing. */
export function equal(a: unknown, b: unknown): boolean {
  const [left, right] = [reveal(a), reveal(b)];
  if (isUnknown(left) || isUnknown(right)) return false;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => equal(item, right[index]));
  }
  if (!isRecord(left) || !isRecord(right)) return left === right;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => equal(left[key], right[key]));
}

function isRecord(value: unknown): value is Wire {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function definedOnly(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(definedOnly);
  if (!isRecord(value)) return value;
  const defined = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(defined.map(([key, item]) => [key, definedOnly(item)]));
}
