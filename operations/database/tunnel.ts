import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { OperationError } from "../error.ts";
import { SshSession, type Destination } from "./ssh-session.ts";
import type { SshTarget } from "./ssh-target.ts";

export interface Trouble {
  readonly error: OperationError;
  readonly at: Date;
}

/**
 * Ports of this machine's loopback behind which databases answer that only an ssh server reaches. The ssh connection is made with
 * the first database connection, and anew with the next one after it broke. Everything is inside this process: nothing of it is left
 * when the process is gone.
 */
export class Tunnel {
  readonly #target: SshTarget;
  readonly #note: (text: string) => void;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #session: Promise<SshSession> | undefined;
  #trouble: Trouble | undefined;

  /** `note` is told what people should know: that it opened, broke, could not be opened. */
  constructor(target: SshTarget, note: (text: string) => void) {
    this.#target = target;
    this.#note = note;
  }

  /** The last thing that went wrong, or undefined: why a database connection broke or did not come about. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** Opens a port on 127.0.0.1 behind which the database answers. */
  async listen(destination: Destination): Promise<number> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      // What breaks a connection is told by the side that reads from it.
      socket.on("error", () => undefined);
      this.#carry(socket, destination).catch((error: unknown) => {
        this.#complain(error);
        socket.resetAndDestroy();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  /** Ends the ssh connection and everything that goes through it. */
  async close(): Promise<void> {
    const closing = this.#servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)));
    for (const socket of this.#sockets) socket.destroy();
    const session = await this.#session?.catch(() => undefined);
    session?.end();
    await Promise.all([...closing, session?.closed]);
  }

  async #carry(socket: Socket, destination: Destination): Promise<void> {
    const session = await this.#connected();
    const channel = await session.forward(destination);
    // Reset, so that no half of a stream is ever taken for the whole.
    void session.closed.then(() => socket.resetAndDestroy());
    channel.on("error", () => socket.resetAndDestroy());
    channel.once("close", () => socket.destroySoon());
    socket.once("close", () => channel.destroy());
    socket.pipe(channel).pipe(socket);
  }

  #connected(): Promise<SshSession> {
    if (this.#session !== undefined) return this.#session;
    const session = SshSession.connect(this.#target);
    this.#session = session;
    const forget = () => {
      if (this.#session === session) this.#session = undefined;
    };
    session.then((open) => {
      void open.closed.then((reason) => {
        forget();
        if (this.#servers.length > 0) this.#complain(reason);
      });
    }, forget);
    return session;
  }

  #complain(error: unknown): void {
    if (!(error instanceof OperationError)) throw error;
    if (this.#trouble?.error.message !== error.message) this.#note(error.message);
    this.#trouble = { error, at: new Date() };
  }
}
