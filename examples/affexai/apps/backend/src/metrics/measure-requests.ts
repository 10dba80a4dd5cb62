import { Logger } from "@nestjs/common";
import type { NextFunction, Request, Response } from "express";
import { httpRequestDuration, httpRequestsTotal } from "./metrics";

const logger = new Logger("Http");

/** Their 503s say how things are, and are no failures. */
const probes = new Set(["/health/ready", "/health/started"]);

const waiting = new WeakSet<Response>();

/** An answer that is meant to take long says nothing about how fast we are: it is counted and not timed. */
export function takesItsTime(response: Response): void {
  waiting.add(response);
}

/** Counts and times every request by its route's pattern (never by its path: that would be a label per ticket). */
export function measureRequests(request: Request, response: Response, next: NextFunction): void {
  const end = httpRequestDuration.startTimer();
  const started = performance.now();
  response.once("close", () => {
    const labels = { method: request.method, route: pattern(request), status: `${response.statusCode}` };
    if (!waiting.has(response)) end(labels);
    httpRequestsTotal.inc(labels);
    const line = { ...labels, milliseconds: Math.round(performance.now() - started) };
    if (response.statusCode >= 500 && !probes.has(labels.route)) logger.warn(line);
    else logger.debug(line);
  });
  next();
}

function pattern(request: Request): string {
  const route: unknown = request.route;
  if (typeof route === "object" && route !== null && "path" in route && typeof route.path === "string")
    return route.path;
  return "unmatched";
}
