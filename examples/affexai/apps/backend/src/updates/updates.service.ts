import { EventEmitter } from "node:events";
import type { UpdateView } from "@affexai/shared-types";
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from "@nestjs/common";
import { Redis } from "ioredis";
import { ENVIRONMENT } from "../config/config.module";
import type { Environment } from "../config/schema";
import { REDIS } from "../redis/redis.module";
import { firstUpdateId, isAfter } from "./update-id";

const stream = "affexai:updates";
/** How many updates a client may have missed and still be told. */
const kept = 1_000;
const blockMs = 5_000;
const retryMs = 1_000;

/**
 * What has changed for everybody, in one order for all replicas: a Redis stream, of which each process holds the newest part. So a
 * client that is sent from one replica to another goes on where it was.
 */
@Injectable()
export class UpdatesService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger("Updates");
  private readonly reader: Redis;
  private readonly events = new EventEmitter<{ update: [UpdateView]; end: [] }>().setMaxListeners(0);
  private readonly recent: UpdateView[] = [];
  private lastId = firstUpdateId;
  private ended = false;
  private stopped = false;

  constructor(
    @Inject(REDIS) private readonly redis: Redis,
    @Inject(ENVIRONMENT) environment: Environment,
  ) {
    this.reader = new Redis(environment.REDIS_URL, { maxRetriesPerRequest: null });
    this.reader.on("error", (error) => this.logger.warn(`reader: ${error.message}`));
  }

  /** Not awaited: Redis may be away while we start, and readiness is what says so. */
  onApplicationBootstrap(): void {
    void this.read();
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    this.reader.disconnect();
  }

  get last(): string {
    return this.lastId;
  }

  /** What was written stays written when Redis is away; then nobody is told. */
  async announce(update: Omit<UpdateView, "id">): Promise<void> {
    try {
      await this.redis.xadd(stream, "MAXLEN", "~", kept, "*", "json", JSON.stringify(update));
    } catch (error) {
      this.logger.warn(`not announced: ${error instanceof Error ? error.message : "unknown failure"}`);
    }
  }

  /** The updates after an id that are still kept, oldest first. */
  since(id: string): UpdateView[] {
    return this.recent.filter((update) => isAfter(update.id, id));
  }

  /**
   * Calls back with each update after `id`, those that are known already first and at once, and with `onEnd` when this process wants
   * its clients to go elsewhere. Returns how to stop listening.
   */
  follow(id: string, onUpdate: (update: UpdateView) => void, onEnd: () => void): () => void {
    // Another replica may have told the client of more than this one has read yet.
    const tell = (update: UpdateView): void => {
      if (isAfter(update.id, id)) onUpdate(update);
    };
    const stop = (): void => {
      this.events.off("update", tell).off("end", onEnd);
    };
    this.events.on("update", tell).on("end", onEnd);
    for (const update of this.since(id)) onUpdate(update);
    if (this.ended) onEnd();
    return stop;
  }

  /** Sends everybody away, to be called when the proxy does not send anybody here any more. */
  sendAway(): void {
    this.ended = true;
    this.events.emit("end");
  }

  private async read(): Promise<void> {
    while (!this.stopped) {
      try {
        const found = await this.reader.xread("BLOCK", blockMs, "STREAMS", stream, this.lastId);
        for (const [id, [, json]] of found?.[0]?.[1] ?? []) this.take(id, json);
      } catch (error) {
        if (this.stopped) return;
        this.logger.warn(`not read: ${error instanceof Error ? error.message : "unknown failure"}`);
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  private take(id: string, json: string | undefined): void {
    this.lastId = id;
    const content = JSON.parse(json ?? "null") as { kind?: unknown; slug?: unknown } | null;
    // A newer release may announce what this one does not know.
    if (content?.kind !== "page" || typeof content.slug !== "string") return;
    const update: UpdateView = { id, kind: content.kind, slug: content.slug };
    this.recent.push(update);
    if (this.recent.length > kept) this.recent.shift();
    this.events.emit("update", update);
  }
}
