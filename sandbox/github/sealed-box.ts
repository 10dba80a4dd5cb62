import { randomInt } from "node:crypto";
import sodium from "libsodium-wrappers";
import type { Vault } from "./state.ts";

await sodium.ready;

/** A key pair for sealed boxes (X25519), base64, with an id of the form that GitHub's have: a number of 18 digits. */
export function newKeyPair(): Vault["key"] {
  const { publicKey, privateKey } = sodium.crypto_box_keypair("uint8array");
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const id = `${randomInt(100_000_000, 999_999_999)}${randomInt(100_000_000, 999_999_999)}`;
  return { id, publicKey: base64(publicKey), privateKey: base64(privateKey) };
}

/** Opens a sealed box, base64. Null when it was not sealed for this key, or is no box at all. */
export function openSealedBox(box: string, key: Vault["key"]): string | null {
  try {
    const content = sodium.crypto_box_seal_open(
      Buffer.from(box, "base64"),
      Buffer.from(key.publicKey, "base64"),
      Buffer.from(key.privateKey, "base64"),
    );
    return Buffer.from(content).toString("utf8");
  } catch {
    return null;
  }
}
