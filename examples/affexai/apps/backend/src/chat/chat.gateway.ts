import { Logger, type OnApplicationBootstrap } from "@nestjs/common";
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from "@nestjs/websockets";
import { WebSocket, WebSocketServer as SocketServer } from "ws";
import { z } from "zod";
import { AuthService } from "../auth/auth.service";
import { sendSocketsAway } from "../http/service-restart";
import { chatSessionsTotal } from "../metrics/metrics";
import { SettingsService } from "../settings/settings.service";
import { ChatService } from "./chat.service";

const Join = z.object({ token: z.string().min(1) });
const Message = z.object({ text: z.string().trim().min(1).max(2000) });

interface Reply {
  event: "joined" | "refused";
  data: unknown;
}

/**
 * The chat at /chat. Frames are `{"event", "data"}`: the client sends `join` with its token first (an address would end up in the
 * logs of proxies), then `message`; it gets `joined` with the recent messages, then each `message`.
 */
@WebSocketGateway({ path: "/chat" })
export class ChatGateway implements OnApplicationBootstrap {
  @WebSocketServer() private readonly server: SocketServer;
  private readonly logger = new Logger("Chat");
  private readonly joined = new WeakMap<WebSocket, string>();

  constructor(
    private readonly chat: ChatService,
    private readonly auth: AuthService,
    private readonly settings: SettingsService,
  ) {}

  /** Not awaited: Redis may be away while we start, and readiness is what says so. */
  onApplicationBootstrap(): void {
    this.chat
      .listen((json) => this.broadcast(json))
      .catch((error: unknown) => this.logger.error(error instanceof Error ? error.message : "cannot subscribe"));
  }

  @SubscribeMessage("join")
  async join(@ConnectedSocket() socket: WebSocket, @MessageBody() data: unknown): Promise<Reply> {
    const request = Join.safeParse(data);
    const caller = request.success ? await this.auth.callerOf(request.data.token, ["api", "chat"]) : undefined;
    if (caller === undefined) return { event: "refused", data: "Log in first." };
    this.joined.set(socket, caller.user.name);
    chatSessionsTotal.inc();
    return { event: "joined", data: await this.chat.recent() };
  }

  @SubscribeMessage("message")
  async message(@ConnectedSocket() socket: WebSocket, @MessageBody() data: unknown): Promise<Reply | undefined> {
    const author = this.joined.get(socket);
    const message = Message.safeParse(data);
    if (author === undefined || !message.success) return { event: "refused", data: "Join first, then send text." };
    if (!(await this.settings.read("feature-flags")).chat) return { event: "refused", data: "The chat is closed." };
    await this.chat.post(author, message.data.text);
    return undefined;
  }

  /** Sends everybody away, to be called when the proxy does not send anybody here any more. */
  sendAway(): void {
    sendSocketsAway(this.server);
  }

  private broadcast(json: string): void {
    const frame = `{"event":"message","data":${json}}`;
    for (const socket of this.server.clients) if (this.joined.has(socket)) socket.send(frame);
  }
}
