import { ticketPriorities, type TicketView } from "@affexai/shared-types";
import { Suspense } from "react";
import { askBackend, sessionToken } from "../../lib/backend.ts";

export const dynamic = "force-dynamic";

interface Properties {
  searchParams: Promise<{ created?: string; failed?: string }>;
}

/** The form works without scripts and posts to a plain route, so that it also works while replicas of two releases serve. */
export default async function Tickets({ searchParams }: Properties) {
  const { created, failed } = await searchParams;
  return (
    <>
      <h1>Tickets</h1>
      {created !== undefined && <p role="status">Thank you. Your ticket is {created}.</p>}
      {failed !== undefined && <p role="alert">That did not work. Check the fields and try again.</p>}
      <form method="post" action="/tickets/create">
        <input name="subject" placeholder="Subject" required maxLength={200} />
        <input name="email" type="email" placeholder="Your e-mail" required />
        <textarea name="body" placeholder="What happened?" required />
        <select name="priority" defaultValue="normal">
          {ticketPriorities.map((priority) => (
            <option key={priority}>{priority}</option>
          ))}
        </select>
        <button>Open a ticket</button>
      </form>
      <Suspense fallback={<p>Reading the tickets ...</p>}>
        <TicketList />
      </Suspense>
    </>
  );
}

/** Streamed after the form, which needs no backend. */
async function TicketList() {
  const tickets = await readTickets();
  return (
    <ul>
      {tickets.map((ticket) => (
        <li key={ticket.id}>
          {ticket.subject} ({ticket.status}, {ticket.priority})
        </li>
      ))}
    </ul>
  );
}

/** Only people who are logged in see the list. */
async function readTickets(): Promise<TicketView[]> {
  const token = await sessionToken();
  if (token === undefined) return [];
  const response = await askBackend("/api/tickets", { token });
  return response.ok ? ((await response.json()) as TicketView[]) : [];
}
