/** What the backend's API answers and takes, as JSON. Times are ISO 8601 strings in UTC. */

export const ticketPriorities = ["low", "normal", "high"] as const;
export type TicketPriority = (typeof ticketPriorities)[number];

export const ticketStatuses = ["open", "in_progress", "resolved", "closed"] as const;
export type TicketStatus = (typeof ticketStatuses)[number];

export interface UserView {
  id: string;
  email: string;
  name: string;
  role: "admin" | "member";
}

export interface LoginView {
  /** Bearer token; valid until `expiresAt` or until logout. */
  token: string;
  expiresAt: string;
  user: UserView;
}

export interface TicketView {
  id: string;
  subject: string;
  body: string;
  email: string;
  status: TicketStatus;
  priority: TicketPriority;
  createdAt: string;
}

/** A block of a CMS page. The frontend renders the types it knows and leaves out the others: content may be newer than it is. */
export interface ComponentView {
  type: string;
  content: Record<string, string>;
}

export interface PageView {
  slug: string;
  title: string;
  /** Rendered as <meta name="key" content="value">. */
  metadata: Record<string, string>;
  components: ComponentView[];
}

export interface ChatMessageView {
  id: string;
  author: string;
  text: string;
  createdAt: string;
}

/** What `/version` answers on every application of the platform. */
export interface VersionView {
  /** Id of the release, baked into the image. */
  release: string;
  /** Digest of the running image (`sha256:<64 hex>`), told by the platform; null when nobody told. */
  digest: string | null;
  /** Commit of the release, 40 hex digits, baked into the image. */
  gitSha: string;
}

/** Something that everybody may see has changed. Ids grow, and are the same on every replica. */
export interface UpdateView {
  id: string;
  /** A CMS page was written. */
  kind: "page";
  slug: string;
}

export interface UpdatesView {
  updates: UpdateView[];
  /** What to ask after the next time. */
  last: string;
}
