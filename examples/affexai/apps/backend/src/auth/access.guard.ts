import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  Injectable,
  UnauthorizedException,
} from "@nestjs/common";
import { Reflector } from "@nestjs/core";
import { type Access, accessKey, type AuthenticatedRequest } from "./access";
import { AuthService } from "./auth.service";

/** Every HTTP route needs a token unless it says @Public(). The chat's socket checks its own. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly auth: AuthService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== "http") return true;
    const access = this.reflector.getAllAndOverride<Access | undefined>(accessKey, [
      context.getHandler(),
      context.getClass(),
    ]);
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1];
    request.caller = token === undefined ? undefined : await this.auth.callerOf(token);
    if (access === "public") return true;
    if (request.caller === undefined) throw new UnauthorizedException("Log in first.");
    if (access === "admin" && request.caller.user.role !== "admin")
      throw new ForbiddenException("Administrators only.");
    return true;
  }
}
