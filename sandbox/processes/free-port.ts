import { once } from "node:events";
import { createServer } from "node:net";

/** As freePorts, for one. */
export function freePort(host: string): Promise<number> {
  return freePorts(host, 1);
}

/**
 * The first of `count` neighbouring ports of `host` that nothing listens on. All are below 32768, from where on systems hand out
 * ports to outgoing connections, so only another server can take one before the caller does: be ready to ask again.
 */
export async function freePorts(host: string, count: number): Promise<number> {
  const lowest = 20_000;
  const blocks = Math.floor((32_768 - lowest) / count);
  const start = Math.floor(Math.random() * blocks);
  for (let tried = 0; tried < blocks; tried += 1) {
    const base = lowest + ((start + tried) % blocks) * count;
    const taken = await Promise.all(Array.from({ length: count }, (_, index) => isTaken(host, base + index)));
    if (!taken.includes(true)) return base;
  }
  throw new Error(`No ${count} neighbouring ports are free on ${host} from ${lowest} to 32767.`);
}

async function isTaken(host: string, port: number): Promise<boolean> {
  const server = createServer().listen(port, host);
  try {
    await once(server, "listening");
  } catch {
    return true;
  }
  server.close();
  await once(server, "close");
  return false;
}
