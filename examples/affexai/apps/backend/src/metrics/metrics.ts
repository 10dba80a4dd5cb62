import { Counter, Histogram } from "prom-client";

/** The business figures. They count what this process did; Prometheus adds the replicas up. */
export const ticketsCreatedTotal = new Counter({ name: "ticket_created_total", help: "Tickets created." });
export const emailsSentTotal = new Counter({
  name: "campaign_emails_sent_total",
  help: "Campaign e-mails handed over.",
});
export const chatSessionsTotal = new Counter({ name: "chat_sessions_total", help: "Chat sessions joined." });
export const pageViewsTotal = new Counter({ name: "cms_page_views_total", help: "CMS pages read." });
export const loginsTotal = new Counter({ name: "user_logins_total", help: "Successful logins." });

const labelNames = ["method", "route", "status"] as const;
export const httpRequestsTotal = new Counter({
  name: "http_requests_total",
  help: "HTTP requests answered.",
  labelNames,
});
export const httpRequestDuration = new Histogram({
  name: "http_request_duration_seconds",
  help: "Time from request to the end of its answer.",
  labelNames,
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
});
