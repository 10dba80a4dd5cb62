import type { TicketView } from "@affexai/shared-types";
import { Injectable, NotFoundException } from "@nestjs/common";
import { InjectRepository } from "@nestjs/typeorm";
import { Repository } from "typeorm";
import { ticketsCreatedTotal } from "../metrics/metrics";
import { Ticket } from "./ticket.entity";

@Injectable()
export class TicketsService {
  constructor(@InjectRepository(Ticket) private readonly tickets: Repository<Ticket>) {}

  async create(ticket: Pick<Ticket, "subject" | "body" | "email" | "priority" | "createdById">): Promise<TicketView> {
    const created = await this.tickets.save(this.tickets.create(ticket));
    ticketsCreatedTotal.inc();
    return view(created);
  }

  /** The newest first, at most 100. */
  async list(where: Partial<Pick<Ticket, "status" | "priority">>): Promise<TicketView[]> {
    return (await this.tickets.find({ where, order: { createdAt: "DESC" }, take: 100 })).map(view);
  }

  async setStatus(id: string, status: Ticket["status"]): Promise<TicketView> {
    const ticket = await this.tickets.findOneBy({ id });
    if (ticket === null) throw new NotFoundException("There is no such ticket.");
    return view(await this.tickets.save({ ...ticket, status }));
  }
}

function view({ id, subject, body, email, status, priority, createdAt }: Ticket): TicketView {
  return { id, subject, body, email, status, priority, createdAt: createdAt.toISOString() };
}
