import type { UserView } from "@affexai/shared-types";
import { createParamDecorator, type ExecutionContext, SetMetadata } from "@nestjs/common";
import type { Request } from "express";

/** Whoever calls with a valid token. */
export interface Caller {
  user: UserView;
  /** The token's own id and end (seconds since 1970), for logging it out. */
  tokenId: string;
  expiresAt: number;
}

export interface AuthenticatedRequest extends Request {
  caller?: Caller;
}

export const accessKey = "access";
export type Access = "public" | "admin";

/** Needs no token; one that is there is still understood. */
export const Public = () => SetMetadata(accessKey, "public" satisfies Access);
/** Needs the token of an administrator. */
export const Admin = () => SetMetadata(accessKey, "admin" satisfies Access);

/** The caller, or undefined on public routes without a token. */
export const CurrentCaller = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Caller | undefined =>
    context.switchToHttp().getRequest<AuthenticatedRequest>().caller,
);
