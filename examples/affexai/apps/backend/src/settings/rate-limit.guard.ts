import { type CanActivate, type ExecutionContext, HttpException, Inject, Injectable, Logger } from "@nestjs/common";
import type { Request, Response } from "express";
import type { Redis } from "ioredis";
import { REDIS } from "../redis/redis.module";
import { SettingsService } from "./settings.service";

/**
 * Counts requests to /api by address in fixed windows, in Redis, so that all replicas count together. Probes and metrics are
 * never limited. Without Redis it lets requests through: readiness is what takes a replica without Redis out of service.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  private readonly logger = new Logger("RateLimit");

  constructor(
    private readonly settings: SettingsService,
    @Inject(REDIS) private readonly redis: Redis,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== "http") return true;
    const request = context.switchToHttp().getRequest<Request>();
    if (!request.path.startsWith("/api/")) return true;
    const { enabled, maxRequests, windowMs } = (await this.settings.read("security")).rateLimiting;
    if (!enabled) return true;
    const window = Math.floor(Date.now() / windowMs);
    const count = await this.count(`affexai:rate:${request.ip ?? "unknown"}:${window}`, windowMs);
    if (count <= maxRequests) return true;
    context
      .switchToHttp()
      .getResponse<Response>()
      .set("Retry-After", `${Math.ceil(((window + 1) * windowMs - Date.now()) / 1000)}`);
    throw new HttpException("Too many requests. Try again later.", 429);
  }

  private async count(key: string, windowMs: number): Promise<number> {
    try {
      const answers = await this.redis.multi().incr(key).pexpire(key, windowMs).exec();
      return Number(answers?.[0]?.[1] ?? 0);
    } catch (error) {
      this.logger.warn(`not counted: ${error instanceof Error ? error.message : "unknown failure"}`);
      return 0;
    }
  }
}
