import "reflect-metadata";
import { type DrainPhase, installDrain } from "@affexai/lifecycle";
import { ConsoleLogger, type LogLevel, Logger } from "@nestjs/common";
import { HttpAdapterHost, NestFactory } from "@nestjs/core";
import type { NestExpressApplication } from "@nestjs/platform-express";
import { WsAdapter } from "@nestjs/platform-ws";
import { AppModule } from "./app.module";
import { EmailQueue } from "./campaigns/email-queue";
import { ChatGateway } from "./chat/chat.gateway";
import { mediaTypes } from "./cms/media.controller";
import { ConfigurationError, readEnvironment } from "./config/read-environment";
import type { Environment } from "./config/schema";
import { FailuresFilter } from "./http/failures.filter";
import { measureRequests } from "./metrics/measure-requests";
import { UpdatesGateway } from "./updates/updates.gateway";
import { UpdatesService } from "./updates/updates.service";

const levels: Record<Environment["LOG_LEVEL"], LogLevel[]> = {
  error: ["fatal", "error"],
  warn: ["fatal", "error", "warn"],
  info: ["fatal", "error", "warn", "log"],
  debug: ["fatal", "error", "warn", "log", "debug"],
};

async function main(): Promise<void> {
  // As a container's first process nothing would end us on SIGTERM by default, and starting may take a while.
  process.on("SIGTERM", stopStarting);
  const environment = readEnvironment(process.env);
  const logger = new ConsoleLogger({ json: true, colors: false, logLevels: levels[environment.LOG_LEVEL] });
  const app = await NestFactory.create<NestExpressApplication>(AppModule, { logger });
  app.set("trust proxy", environment.TRUSTED_PROXY_HOPS);
  app.disable("x-powered-by");
  app.enableCors({ origin: environment.CORS_ORIGIN.includes("*") ? true : environment.CORS_ORIGIN, credentials: true });
  app.useBodyParser("raw", { type: mediaTypes, limit: "10mb" });
  app.use(measureRequests);
  app.useWebSocketAdapter(new WsAdapter(app));
  app.useGlobalFilters(new FailuresFilter(app.get(HttpAdapterHost).httpAdapter));

  const queue = app.get(EmailQueue);
  const longLived = [app.get(UpdatesService), app.get(UpdatesGateway), app.get(ChatGateway)];
  const onPhase = (phase: DrainPhase): void => {
    logger.log({ phase }, "Drain");
    if (phase === "leaving") void queue.finish();
    if (phase === "ending") for (const each of longLived) each.sendAway();
  };
  process.off("SIGTERM", stopStarting);
  installDrain({
    readySeconds: environment.DRAIN_READY_SECONDS,
    drainSeconds: environment.DRAIN_SECONDS,
    limitSeconds: environment.DRAIN_LIMIT_SECONDS,
    probes: ["/health", "/health/started", "/health/ready"],
    onPhase,
    close: () => app.close(),
  });
  await app.listen(environment.PORT, environment.HOST);
  logger.log({ listening: `${environment.HOST}:${environment.PORT}` }, "Main");
}

function stopStarting(): void {
  process.exit(0);
}

main().catch((error: unknown) => {
  if (error instanceof ConfigurationError) {
    process.stderr.write(`${JSON.stringify({ level: "fatal", context: "Configuration", message: error.message })}\n`);
    process.exit(78);
  }
  new Logger("Main").fatal(error instanceof Error ? error.stack : error);
  process.exit(1);
});
