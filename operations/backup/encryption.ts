import { Decrypter, Encrypter } from "age-encryption";
import { Duplex } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { OperationError } from "../error.ts";
import { damaged } from "./checksum.ts";
import type { Context } from "../verb.ts";
import type { Manifest } from "./manifest.ts";

/**
 * Backups may be encrypted to public keys in the format of age (https://age-encryption.org/v1), so that neither the storage nor the
 * machine that makes them can read them. Dump and globals are; the manifest is not, because it holds figures and names, and no rows.
 * BACKUP_RECIPIENTS has the public keys, BACKUP_IDENTITY a private one.
 */
export type Encryption = NonNullable<Manifest["encryption"]>;

/** What BACKUP_RECIPIENTS says: public keys with commas between; null when it is not set. */
export function encryptionOf(env: Context["env"]): Encryption | null {
  const recipients = listed(env.BACKUP_RECIPIENTS);
  if (recipients.length === 0) return null;
  const wrong = recipients.filter((recipient) => !isAccepted(() => new Encrypter().addRecipient(recipient)));
  if (wrong.length === 0) return { kind: "age", recipients };
  throw new OperationError("usage", {
    where: "BACKUP_RECIPIENTS",
    what: `holds what is no public key of age: ${wrong.map(withoutSecret).join(", ")}.`,
    next: "Give the `age1…` lines that `age-keygen -y` prints, with commas between; nothing was touched.",
  });
}

/** Encrypts what passes to the recipients. */
export function encryption({ recipients }: Encryption): Duplex {
  return Duplex.from(async function* (source: AsyncIterable<Uint8Array>) {
    yield* await encrypter(recipients).encrypt(ReadableStream.from(source));
  });
}

export async function encryptText(text: string, { recipients }: Encryption): Promise<Uint8Array> {
  return encrypter(recipients).encrypt(text);
}

/** Whether BACKUP_IDENTITY holds anything to decrypt with. */
export function hasIdentity(env: Context["env"]): boolean {
  return listed(env.BACKUP_IDENTITY).length > 0;
}

/**
 * Decrypts what passes with BACKUP_IDENTITY. Each 64 KiB are authenticated before they are passed on, so nothing that was changed comes
 * out. `name` is the object's, for messages.
 */
export function decryption(name: string, env: Context["env"]): Duplex {
  const identities = decrypter(env);
  return Duplex.from(async function* (source: AsyncIterable<Uint8Array>) {
    try {
      yield* await identities.decrypt(ReadableStream.from(source));
    } catch (error) {
      throw damaged(name, error);
    }
  });
}

/** Refuses (before anything is touched) when BACKUP_IDENTITY cannot open what begins with these bytes; 64 KiB hold any header. */
export async function assertOpens(
  name: string,
  beginning: Uint8Array,
  { recipients }: Encryption,
  env: Context["env"],
) {
  const identities = decrypter(env);
  try {
    await identities.decryptHeader(beginning);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("no identity matched"))) throw damaged(name, error);
    throw new OperationError("refused", {
      where: "BACKUP_IDENTITY",
      what: `does not open ${name}, which is encrypted to ${recipients.join(" and ")}.`,
      next: "Give the private key of one of these; nothing was touched.",
    });
  }
}

function encrypter(recipients: readonly string[]): Encrypter {
  const age = new Encrypter();
  for (const recipient of recipients) age.addRecipient(recipient);
  return age;
}

function decrypter(env: Context["env"]): Decrypter {
  const identities = listed(env.BACKUP_IDENTITY);
  const age = new Decrypter();
  const wrong = identities.filter((identity) => !isAccepted(() => age.addIdentity(identity))).length;
  if (identities.length > 0 && wrong === 0) return age;
  throw new OperationError(identities.length === 0 ? "refused" : "usage", {
    where: "BACKUP_IDENTITY",
    what: identities.length === 0 ? "is not set, and the backup is encrypted." : "holds what is no private key of age.",
    next: "Set it to an `AGE-SECRET-KEY-1…` line that `age-keygen` printed; nothing was touched.",
  });
}

/** Keys between commas, spaces or line ends; a file of `age-keygen` has comments as well. */
function listed(value: string | undefined): string[] {
  return (value ?? "")
    .split("\n")
    .map((line) => line.replace(/#.*/, ""))
    .join(" ")
    .split(/[\s,]+/)
    .filter((key) => key !== "");
}

function isAccepted(add: () => void): boolean {
  try {
    add();
    return true;
  } catch {
    return false;
  }
}

/** Somebody may have put the private key where the public one belongs. */
function withoutSecret(key: string): string {
  return key.startsWith("age1") ? key : `${key.slice(0, 4)}…`;
}
