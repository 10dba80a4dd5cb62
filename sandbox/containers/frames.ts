/**
 * One frame of Docker's stream format for containers without a terminal: the stream's number, three zero bytes, the length as a 32-bit big-endian
 * number, the bytes (Docker Engine API 1.47, "Attach to a container", stream format).
 */
export function frame(stream: "stdout" | "stderr", content: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream === "stdout" ? 1 : 2, 0);
  header.writeUInt32BE(content.length, 4);
  return Buffer.concat([header, content]);
}
