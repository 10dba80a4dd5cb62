import { z } from "zod";
import { ok, xmlAnswer, type Answer } from "../answer.ts";
import { bucketOf, keyOf, type Call } from "../call.ts";
import { StorageError } from "../error.ts";
import type { Bucket } from "../store/bucket.ts";
import type { Retention, StoredObject } from "../store/version.ts";
import { parseXml } from "../xml.ts";
import { mayBypassGovernance } from "./delete.ts";
import { alterObject, findObject } from "./find.ts";
import { checkedRetention } from "./settings.ts";

const RetentionDocument = z.strictObject({ Mode: z.string().optional(), RetainUntilDate: z.string().optional() });
const LegalHoldDocument = z.strictObject({ Status: z.enum(["ON", "OFF"]) });

/** PutObjectRetention. A period may grow; it shrinks or goes only in governance mode, with a permitted bypass. */
export async function putObjectRetention(call: Call): Promise<Answer> {
  const { Mode, RetainUntilDate } = parseXml("Retention", RetentionDocument, await call.payload.text());
  if ((Mode === undefined) !== (RetainUntilDate === undefined)) throw new StorageError("MalformedXML");
  const wanted =
    Mode === undefined || RetainUntilDate === undefined ? undefined : checkedRetention(Mode, RetainUntilDate, call.now);
  return changeObject(call, (bucket, key, object) => {
    if (weakens(object.retention, wanted, call.now) && !mayWeaken(call, bucket, key, object)) {
      throw new StorageError("AccessDenied", "Access Denied because object protected by object lock.");
    }
    return { ...object, retention: wanted };
  });
}

function weakens(present: Retention | undefined, wanted: Retention | undefined, now: Date): boolean {
  if (present === undefined || Date.parse(present.until) <= now.getTime()) return false;
  if (wanted === undefined || Date.parse(wanted.until) < Date.parse(present.until)) return true;
  return present.mode === "COMPLIANCE" ? wanted.mode !== "COMPLIANCE" : false;
}

function mayWeaken(call: Call, bucket: Bucket, key: string, object: StoredObject): boolean {
  return object.retention?.mode === "GOVERNANCE" && mayBypassGovernance(call, bucket, key, object.versionId);
}

/** GetObjectRetention. */
export function getObjectRetention(call: Call): Promise<Answer> {
  const { retention } = lockedObject(call);
  if (retention === undefined) throw new StorageError("NoSuchObjectLockConfiguration");
  return Promise.resolve(xmlAnswer("Retention", { Mode: retention.mode, RetainUntilDate: retention.until }));
}

/** PutObjectLegalHold. */
export async function putObjectLegalHold(call: Call): Promise<Answer> {
  const { Status } = parseXml("LegalHold", LegalHoldDocument, await call.payload.text());
  return changeObject(call, (_bucket, _key, object) => ({ ...object, legalHold: Status === "ON" }));
}

/** GetObjectLegalHold. */
export function getObjectLegalHold(call: Call): Promise<Answer> {
  const { legalHold } = lockedObject(call);
  if (legalHold === undefined) throw new StorageError("NoSuchObjectLockConfiguration");
  return Promise.resolve(xmlAnswer("LegalHold", { Status: legalHold ? "ON" : "OFF" }));
}

function lockedObject(call: Call): StoredObject {
  const bucket = bucketOf(call);
  const object = findObject(call, bucket, keyOf(call), call.query.get("versionId"));
  requireObjectLock(bucket);
  return object;
}

function requireObjectLock(bucket: Bucket): void {
  if (bucket.settings.objectLock === undefined) {
    throw new StorageError("InvalidRequest", "Bucket is missing Object Lock Configuration");
  }
}

async function changeObject(
  call: Call,
  alter: (bucket: Bucket, key: string, object: StoredObject) => StoredObject,
): Promise<Answer> {
  const bucket = bucketOf(call);
  const key = keyOf(call);
  requireObjectLock(bucket);
  await alterObject(call, bucket, key, (object) => alter(bucket, key, object));
  return ok;
}
