import type { ChatMessageView } from "@affexai/shared-types";
import { Inject, Injectable, Logger, type OnApplicationShutdown } from "@nestjs/common";
import { InjectRepository } from "@nestjs/typeorm";
import { Redis } from "ioredis";
import { Repository } from "typeorm";
import { ENVIRONMENT } from "../config/config.module";
import type { Environment } from "../config/schema";
import { REDIS } from "../redis/redis.module";
import { ChatMessage } from "./chat-message.entity";

const channel = "affexai:chat";

/** Keeps messages in the database and hands them to every replica through Redis. */
@Injectable()
export class ChatService implements OnApplicationShutdown {
  private readonly logger = new Logger("Chat");
  private readonly subscriber: Redis;

  constructor(
    @InjectRepository(ChatMessage) private readonly messages: Repository<ChatMessage>,
    @Inject(REDIS) private readonly redis: Redis,
    @Inject(ENVIRONMENT) environment: Environment,
  ) {
    this.subscriber = new Redis(environment.REDIS_URL, { maxRetriesPerRequest: null });
    this.subscriber.on("error", (error) => this.logger.warn(`subscriber: ${error.message}`));
  }

  async post(author: string, text: string): Promise<void> {
    const message = await this.messages.save(this.messages.create({ author, text }));
    await this.redis.publish(channel, JSON.stringify(view(message)));
  }

  /** The newest 50, oldest first. */
  async recent(): Promise<ChatMessageView[]> {
    const newest = await this.messages.find({ order: { createdAt: "DESC" }, take: 50 });
    return newest.reverse().map(view);
  }

  /** Calls back with every message of every replica, as JSON text. */
  async listen(onMessage: (json: string) => void): Promise<void> {
    this.subscriber.on("message", (_channel, json) => onMessage(json));
    await this.subscriber.subscribe(channel);
  }

  onApplicationShutdown(): void {
    this.subscriber.disconnect();
  }
}

function view({ id, author, text, createdAt }: ChatMessage): ChatMessageView {
  return { id, author, text, createdAt: createdAt.toISOString() };
}
