import { createServer } from "node:net";

/** A TCP port of `host` that nothing listens on at this moment. Another process may take it before the caller does: be ready to ask again. */
export async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, resolve);
  });
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new Error(`No port could be taken on ${host}.`);
  return address.port;
}
