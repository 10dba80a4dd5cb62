import { connect } from "node:net";

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly password?: string | undefined;
}

/**
 * The number of the Redis process that answers at an address, or null while it is still loading its data.
 * Rejects if nothing answers within 2 s or the password is refused, with Redis' own word for it (NOAUTH, WRONGPASS).
 */
export async function answeringProcess({ host, port, password }: RedisAddress): Promise<number | null> {
  const login = password === undefined ? [] : [["AUTH", password]];
  const commands = [...login, ["PING"], ["INFO", "server"]].map(encode).join("");
  return new Promise<number | null>((resolve, reject) => {
    const socket = connect({ host, port });
    let received = "";
    socket.setEncoding("utf8").setTimeout(2000);
    socket.once("connect", () => socket.write(commands));
    socket.once("timeout", () => socket.destroy(new Error(`No answer from ${host}:${port} within 2 s.`)));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error(`${host}:${port} closed the connection.`)));
    socket.on("data", (chunk: string) => {
      received += chunk;
      const refusal = /^-(?!LOADING)(.*)\r\n/m.exec(received)?.[1];
      const pid = /^process_id:(\d+)\r\n/m.exec(received)?.[1];
      if (refusal !== undefined) socket.destroy(new Error(refusal));
      if (pid === undefined) return;
      resolve(/^-LOADING/m.test(received) ? null : Number(pid));
      socket.destroy();
    });
  });
}

/** A command in the Redis serialisation protocol: an array of length-prefixed strings. */
function encode(words: readonly string[]): string {
  const items = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${items.join("")}`;
}
