import { type ArgumentsHost, Catch, HttpException, Logger } from "@nestjs/common";
import { BaseExceptionFilter } from "@nestjs/core";
import type { Response } from "express";

/** PostgreSQL's code for a write in a read-only transaction: somebody froze writes, for a migration or a restore. */
const readOnlyTransaction = "25006";

/** Answers failures: a frozen database with 503 and Retry-After, everything unexpected with a plain 500 and a logged stack. */
@Catch()
export class FailuresFilter extends BaseExceptionFilter {
  private readonly logger = new Logger("Failure");

  override catch(failure: unknown, host: ArgumentsHost): void {
    if (failure instanceof HttpException || host.getType() !== "http") return super.catch(failure, host);
    const response = host.switchToHttp().getResponse<Response>();
    if (response.headersSent) return super.catch(failure, host);
    if (failure instanceof Error && "code" in failure && failure.code === readOnlyTransaction) {
      response.status(503).set("Retry-After", "10").json({ statusCode: 503, message: "Read-only for maintenance." });
      return;
    }
    const status = statusOf(failure);
    if (status === 500) this.logger.error(failure instanceof Error ? failure.stack : failure);
    response.status(status).json({ statusCode: status, message: status === 500 ? "Internal error." : "Bad request." });
  }
}

/** Body parsers throw errors with a status of their own (413, 400). */
function statusOf(failure: unknown): number {
  if (typeof failure !== "object" || failure === null || !("status" in failure)) return 500;
  return typeof failure.status === "number" && failure.status >= 400 && failure.status < 500 ? failure.status : 500;
}
