import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from "@nestjs/websockets";
import { WebSocket, WebSocketServer as SocketServer } from "ws";
import { z } from "zod";
import { sendSocketsAway } from "../http/service-restart";
import { updateIdPattern } from "./update-id";
import { UpdatesService } from "./updates.service";

const Watch = z.object({ after: z.string().regex(updateIdPattern).optional() });

interface Reply {
  event: "watching" | "refused";
  data: unknown;
}

/**
 * The updates at /updates, for those who keep a socket. Needs no login. The client sends `watch`, with the id of the last update it
 * saw if it knows one; it gets `watching` with the id from which it is told, then each `update`.
 */
@WebSocketGateway({ path: "/updates" })
export class UpdatesGateway {
  @WebSocketServer() private readonly server: SocketServer;
  private readonly watching = new WeakMap<WebSocket, () => void>();

  constructor(private readonly updates: UpdatesService) {}

  @SubscribeMessage("watch")
  watch(@ConnectedSocket() socket: WebSocket, @MessageBody() data: unknown): Reply {
    const request = Watch.safeParse(data ?? {});
    if (!request.success) return { event: "refused", data: "Send the id of an update, or none." };
    const last = request.data.after ?? this.updates.last;
    this.watching.get(socket)?.();
    const send = (update: unknown): void => socket.send(JSON.stringify({ event: "update", data: update }));
    const stop = this.updates.follow(last, send, () => undefined);
    this.watching.set(socket, stop);
    socket.once("close", stop);
    return { event: "watching", data: { last } };
  }

  /** To be called when the proxy does not send anybody here any more. */
  sendAway(): void {
    sendSocketsAway(this.server);
  }
}
