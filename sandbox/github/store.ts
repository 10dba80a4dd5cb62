import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeDurably } from "../s3/store/files.ts";
import { NamedLock } from "../s3/store/lock.ts";
import { commitFiles } from "./git-objects.ts";
import { newKeyPair } from "./sealed-box.ts";
import { State, timestamp } from "./state.ts";

/** The state, in memory and in `<dir>/github.json`. */
export class Store {
  readonly #path: string;
  readonly #lock = new NamedLock();
  #state: State;

  private constructor(path: string, state: State) {
    this.#path = path;
    this.#state = state;
  }

  /** Opens what is there, or begins with a repository that has one commit. The names win over what was stored. */
  static async open(dir: string, owner: string, repository: string): Promise<Store> {
    await mkdir(dir, { recursive: true });
    const path = join(dir, "github.json");
    const stored = (await readState(path)) ?? newState(owner, repository);
    const store = new Store(path, stored);
    await store.change((state) => {
      state.owner.login = owner;
      state.repository.name = repository;
    });
    return store;
  }

  get state(): Readonly<State> {
    return this.#state;
  }

  /** Changes a copy of the state and keeps it once it is on disk. What `alter` throws leaves everything as it was. */
  async change<T>(alter: (state: State) => T): Promise<T> {
    return this.#lock.hold("", async () => {
      const next = structuredClone(this.#state);
      const result = alter(next);
      await writeDurably(this.#path, JSON.stringify(next));
      this.#state = next;
      return result;
    });
  }
}

function newState(owner: string, repository: string): State {
  const state: State = {
    nextId: 1000,
    owner: { login: owner, id: 1, type: "Organization" },
    operator: { login: `${owner}-operator`, id: 2, type: "User" },
    repository: { id: 3, name: repository, createdAt: timestamp() },
    defaultBranch: "main",
    vault: { key: newKeyPair(), secrets: {}, variables: {} },
    environments: [],
    deployments: [],
    rulesets: [],
    branches: {},
    commits: {},
    blobs: {},
  };
  commitFiles(state, "main", "Initial commit", (files, keep) => {
    files["README.md"] = keep(Buffer.from(`# ${repository}\n`));
  });
  return state;
}

async function readState(path: string): Promise<State | null> {
  try {
    return State.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
