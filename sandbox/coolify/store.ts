import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { newPublicId, timestamp } from "./identifiers.ts";
import type * as records from "./records.ts";

/** Everything the stand-in remembers. */
export interface State {
  nextId: number;
  apiEnabled: boolean;
  allowedIps: string;
  teams: records.Team[];
  servers: records.Server[];
  destinations: records.Destination[];
  projects: records.Project[];
  environments: records.Environment[];
  applications: records.Application[];
  databases: records.Database[];
  services: records.Service[];
  variables: records.Variable[];
  storages: records.Storage[];
  tags: records.Tag[];
  tasks: records.ScheduledTask[];
  taskExecutions: records.TaskExecution[];
  backups: records.Backup[];
  s3Storages: records.S3Storage[];
  deployments: records.Deployment[];
}

const emptyState = (): State => ({
  nextId: 1,
  apiEnabled: true,
  allowedIps: "",
  teams: [],
  servers: [],
  destinations: [],
  projects: [],
  environments: [],
  applications: [],
  databases: [],
  services: [],
  variables: [],
  storages: [],
  tags: [],
  tasks: [],
  taskExecutions: [],
  backups: [],
  s3Storages: [],
  deployments: [],
});

/** The state in memory, and on disk as one JSON file that is replaced as a whole. */
export class Store {
  readonly state: State;
  readonly #file: string;
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  private constructor(file: string, state: State) {
    this.#file = file;
    this.state = state;
  }

  /** Reads `state.json` in the folder, which is made when missing. A file that is not JSON is an error, never overwritten. */
  static async open(dir: string): Promise<Store> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const file = path.join(dir, "state.json");
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    return new Store(file, text === undefined ? emptyState() : { ...emptyState(), ...(JSON.parse(text) as State) });
  }

  /** What a new record starts with. */
  stamp(): { id: number; uuid: string; created_at: string; updated_at: string } {
    const now = timestamp();
    return { id: this.id(), uuid: newPublicId(), created_at: now, updated_at: now };
  }

  /** The next number for a record. */
  id(): number {
    return this.state.nextId++;
  }

  /** Resolves when a copy of the state taken after this call is on disk. Calls that wait together share one write. */
  save(): Promise<void> {
    this.#next ??= this.#writing.then(
      () => this.#write(),
      () => this.#write(),
    );
    return this.#next;
  }

  /** The same without waiting, for progress that nobody is answered about. A failing disk shows at the next answer. */
  saveSoon(): void {
    this.save().catch(() => undefined);
  }

  #write(): Promise<void> {
    this.#next = undefined;
    this.#writing = this.#replace(JSON.stringify(this.state));
    return this.#writing;
  }

  async #replace(text: string): Promise<void> {
    const draft = `${this.#file}.new`;
    await writeFile(draft, text, { mode: 0o600 });
    await rename(draft, this.#file);
  }
}
