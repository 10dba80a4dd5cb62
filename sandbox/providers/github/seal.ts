import sodium from "libsodium-wrappers";

/** Encrypts a value so that only the holder of the private key reads it: a sealed box, both sides in base64 as GitHub wants it. */
export async function seal(value: string, publicKey: string): Promise<string> {
  await sodium.ready;
  const { ORIGINAL } = sodium.base64_variants;
  const box = sodium.crypto_box_seal(sodium.from_string(value), sodium.from_base64(publicKey, ORIGINAL));
  return sodium.to_base64(box, ORIGINAL);
}
