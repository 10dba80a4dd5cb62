import { randomUUID } from "node:crypto";
import type { LoginView } from "@affexai/shared-types";
import { Inject, Injectable, UnauthorizedException } from "@nestjs/common";
import { JwtService } from "@nestjs/jwt";
import type { Redis } from "ioredis";
import { z } from "zod";
import { ENVIRONMENT } from "../config/config.module";
import type { Environment } from "../config/schema";
import { loginsTotal } from "../metrics/metrics";
import { REDIS } from "../redis/redis.module";
import { passwordMatches } from "../users/password";
import { UsersService, view } from "../users/users.service";
import type { Caller } from "./access";

/** What a token is good for: everything, or only joining the chat. */
type Use = "api" | "chat";

const Claims = z.object({ sub: z.uuid(), jti: z.uuid(), exp: z.int(), use: z.enum(["api", "chat"]) });
const chatTokenSeconds = 60;

/** Burned when there is no such user, so that the time to answer does not tell. */
const nobody = "scrypt$16384$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

@Injectable()
export class AuthService {
  constructor(
    private readonly users: UsersService,
    private readonly tokens: JwtService,
    @Inject(REDIS) private readonly redis: Redis,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  async login(email: string, password: string): Promise<LoginView> {
    const user = await this.users.findForLogin(email);
    const matches = await passwordMatches(password, user?.passwordHash ?? nobody);
    if (user === null || !matches) throw new UnauthorizedException("E-mail or password is wrong.");
    const lifetime = this.environment.JWT_EXPIRES_IN_SECONDS;
    const token = await this.sign(user.id, "api", lifetime);
    loginsTotal.inc();
    return { token, expiresAt: new Date(Date.now() + lifetime * 1000).toISOString(), user: view(user) };
  }

  /** For the browser's script, which must not hold the real token: joins the chat within a minute, and does nothing else. */
  async chatToken(caller: Caller): Promise<{ token: string }> {
    return { token: await this.sign(caller.user.id, "chat", chatTokenSeconds) };
  }

  /** The token is refused from now on, by every replica. */
  async logout(caller: Caller): Promise<void> {
    const seconds = Math.max(1, caller.expiresAt - Math.floor(Date.now() / 1000));
    await this.redis.set(loggedOut(caller.tokenId), "1", "EX", seconds);
  }

  /** Who holds this token, or undefined when it is not valid (any more). */
  async callerOf(token: string, uses: readonly Use[] = ["api"]): Promise<Caller | undefined> {
    const claims = Claims.safeParse(await this.tokens.verifyAsync<object>(token).catch(() => undefined));
    if (!claims.success || !uses.includes(claims.data.use)) return undefined;
    const { sub, jti, exp } = claims.data;
    if ((await this.redis.exists(loggedOut(jti))) > 0) return undefined;
    const user = await this.users.find(sub);
    return user === null ? undefined : { user, tokenId: jti, expiresAt: exp };
  }

  private async sign(sub: string, use: Use, expiresIn: number): Promise<string> {
    return this.tokens.signAsync({ sub, jti: randomUUID(), use }, { expiresIn });
  }
}

function loggedOut(tokenId: string): string {
  return `affexai:logged-out:${tokenId}`;
}
