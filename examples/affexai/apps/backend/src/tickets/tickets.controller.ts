import { ticketPriorities, ticketStatuses, type TicketView } from "@affexai/shared-types";
import { Body, Controller, Get, Param, ParseUUIDPipe, Patch, Post, Query } from "@nestjs/common";
import { z } from "zod";
import { type Caller, CurrentCaller, Public } from "../auth/access";
import { Checked } from "../http/checked.pipe";
import { TicketsService } from "./tickets.service";

const NewTicket = z.strictObject({
  subject: z.string().trim().min(1).max(200),
  body: z.string().trim().min(1).max(20_000),
  email: z.email().max(255),
  priority: z.enum(ticketPriorities).default("normal"),
});
const Filter = z.strictObject({
  status: z.enum(ticketStatuses).optional(),
  priority: z.enum(ticketPriorities).optional(),
});
const Change = z.strictObject({ status: z.enum(ticketStatuses) });

@Controller("api/tickets")
export class TicketsController {
  constructor(private readonly tickets: TicketsService) {}

  /** Customers open tickets without an account. */
  @Post()
  @Public()
  create(
    @Body(new Checked(NewTicket)) ticket: z.output<typeof NewTicket>,
    @CurrentCaller() caller: Caller | undefined,
  ): Promise<TicketView> {
    return this.tickets.create({ ...ticket, createdById: caller?.user.id ?? null });
  }

  @Get()
  list(@Query(new Checked(Filter)) filter: z.output<typeof Filter>): Promise<TicketView[]> {
    return this.tickets.list(filter);
  }

  @Patch(":id")
  change(
    @Param("id", ParseUUIDPipe) id: string,
    @Body(new Checked(Change)) { status }: z.output<typeof Change>,
  ): Promise<TicketView> {
    return this.tickets.setStatus(id, status);
  }
}
