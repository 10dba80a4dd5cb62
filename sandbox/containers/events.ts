/** What happened to a container, image or network, in the shape of `GET /events` (Docker Engine API 1.47). */
export interface EngineEvent {
  readonly Type: "container" | "image" | "network";
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly scope: "local";
  /** Seconds since the epoch. */
  readonly time: number;
  readonly timeNano: number;
  /** The three fields of the older form, which containers' and images' events still carry. */
  readonly status?: string;
  readonly id?: string;
  readonly from?: string;
}

const kept = 256;

/** The engine's events, in order: the last 256 can be asked for again, as with Docker. */
export class EventLog {
  readonly #recent: EngineEvent[] = [];
  readonly #listeners = new Set<(event: EngineEvent) => void>();

  emit(type: EngineEvent["Type"], action: string, id: string, attributes: Readonly<Record<string, string>>): void {
    const now = Date.now();
    const legacy =
      type === "network"
        ? {}
        : { status: action, id, ...(attributes.image === undefined ? {} : { from: attributes.image }) };
    const event: EngineEvent = {
      ...legacy,
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: attributes },
      scope: "local",
      time: Math.floor(now / 1000),
      timeNano: now * 1e6,
    };
    this.#recent.push(event);
    if (this.#recent.length > kept) this.#recent.shift();
    for (const listener of this.#listeners) listener(event);
  }

  /** Events since a time in seconds, oldest first. */
  since(seconds: number): readonly EngineEvent[] {
    return this.#recent.filter((event) => event.timeNano >= seconds * 1e9);
  }

  /** Calls back for every further event until the returned function is called. */
  subscribe(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
