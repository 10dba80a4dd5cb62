import { once } from "node:events";
import { createServer, connect, type AddressInfo, type Socket } from "node:net";

export interface Between {
  /** The server's URL, through here. */
  readonly url: string;
  /** Cuts every connection. */
  cut(): void;
  close(): Promise<void>;
}

/** Stands between an application and a server. `link` says what passes from one to the other. */
export async function standBetween(
  serverUrl: string,
  link: (application: Socket, server: Socket) => void,
): Promise<Between> {
  const url = new URL(serverUrl);
  const { hostname, port } = url;
  const open = new Set<Socket>();
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  const listener = createServer((application) => {
    const server = connect(Number(port), hostname);
    open.add(application);
    link(application, server);
    server.on("end", () => application.end());
    for (const socket of [application, server]) socket.on("error", () => socket.destroy());
    application.on("close", () => {
      open.delete(application);
      server.destroy();
    });
  });
  listener.listen(0, hostname);
  await once(listener, "listening");
  url.port = `${(listener.address() as AddressInfo).port}`;
  return {
    url: url.href,
    cut,
    async close() {
      listener.close();
      cut();
      await once(listener, "close");
    },
  };
}
