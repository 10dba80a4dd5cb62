import type { UpdateView, UpdatesView } from "@affexai/shared-types";
import { Controller, Get, Headers, Query, Res } from "@nestjs/common";
import type { Response } from "express";
import { z } from "zod";
import { Public } from "../auth/access";
import { Checked } from "../http/checked.pipe";
import { takesItsTime } from "../metrics/measure-requests";
import { updateIdPattern } from "./update-id";
import { UpdatesService } from "./updates.service";

const Poll = z.strictObject({
  /** The `last` of the answer before; without it, from now on. */
  after: z.string().regex(updateIdPattern, "must be the `last` of an answer").optional(),
  waitSeconds: z.coerce.number().int().min(0).max(25).default(5),
});

/** A comment now and then tells both ends, and what is between them, that the other is there. */
const heartbeatMs = 5_000;

/** What has changed for everybody, for browsers that want to know at once. */
@Controller("api/updates")
@Public()
export class UpdatesController {
  constructor(private readonly updates: UpdatesService) {}

  /** Answers as soon as there is an update, and after `waitSeconds`, or when this process ends, without one. */
  @Get()
  async poll(
    @Query(new Checked(Poll)) { after, waitSeconds }: z.output<typeof Poll>,
    @Res({ passthrough: true }) response: Response,
  ): Promise<UpdatesView> {
    takesItsTime(response);
    response.set("Cache-Control", "no-store");
    const from = after ?? this.updates.last;
    await this.next(from, waitSeconds, response);
    const updates = this.updates.since(from);
    return { updates, last: updates.at(-1)?.id ?? from };
  }

  /**
   * Server-sent events. They end without an error when this process does: EventSource then comes again, with the id of the last event
   * it saw, and is served by another replica.
   */
  @Get("stream")
  stream(@Headers("last-event-id") lastId: string | undefined, @Res() response: Response): void {
    takesItsTime(response);
    response.set({ "Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no" });
    // Not all at once: a whole replica's clients come again together.
    response.write(`retry: ${500 + Math.floor(Math.random() * 1_000)}\n\n`);
    const from = lastId !== undefined && updateIdPattern.test(lastId) ? lastId : this.updates.last;
    const heartbeat = setInterval(() => response.write(":\n\n"), heartbeatMs);
    const stop = this.updates.follow(
      from,
      (update) => response.write(eventOf(update)),
      () => response.end(),
    );
    response.once("close", () => {
      stop();
      clearInterval(heartbeat);
    });
  }

  /** Resolves with the first update, when the time is over, when this process ends, or when the client is gone. */
  private next(from: string, waitSeconds: number, response: Response): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitSeconds * 1000);
      const stop = this.updates.follow(from, () => resolve(), resolve);
      response.once("close", () => {
        clearTimeout(timer);
        stop();
        resolve();
      });
    });
  }
}

function eventOf({ id, kind, ...data }: UpdateView): string {
  return `id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
}
