import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { identify, isRunning, type ProcessIdentity } from "../processes/process-table.ts";
import { AddressPool } from "./addresses.ts";
import type { Surroundings } from "./command.ts";
import { Container, type Engine } from "./container.ts";
import { createRecord, validName, type CreateRequest } from "./create.ts";
import { DockerError, notFound } from "./docker-error.ts";
import { EventLog } from "./events.ts";
import { hostsOf, HostsWriter } from "./hosts.ts";
import { ImageStore } from "./image-store.ts";
import { readJson, writeJson } from "./json-file.ts";
import { Networks } from "./networks.ts";
import type { ContainerRecord } from "./record.ts";

export interface EngineOptions {
  /** Holds everything that the engine keeps: images, containers, volumes. Made if missing. One engine a folder. */
  readonly dir: string;
  /** Where the names of containers are published for `network.mjs`. */
  readonly hostsFile: string;
}

/** What is kept of the engine itself. */
interface EngineRecord {
  readonly id: string;
  /** The first three numbers of its containers' addresses. */
  readonly network: string;
  /** The process that the engine runs in; null once it was closed. */
  readonly owner: ProcessIdentity | null;
}

/** Containers as processes of this machine. They outlive the engine, and the next one on the same folder takes them up again. */
export class ContainerEngine implements Engine {
  readonly images: ImageStore;
  readonly networks: Networks;
  readonly addresses: AddressPool;
  readonly events = new EventLog();
  /** Docker's engine id. */
  readonly id: string;
  readonly #dir: string;
  readonly #hostsFile: string;
  readonly #hosts: HostsWriter;
  readonly #containers = new Map<string, Container>();
  #closed = false;

  private constructor(
    options: EngineOptions,
    id: string,
    images: ImageStore,
    networks: Networks,
    addresses: AddressPool,
  ) {
    this.id = id;
    this.images = images;
    this.networks = networks;
    this.addresses = addresses;
    this.#dir = options.dir;
    this.#hostsFile = options.hostsFile;
    this.#hosts = new HostsWriter(options.hostsFile);
  }

  static async open(options: EngineOptions): Promise<ContainerEngine> {
    const { dir } = options;
    await mkdir(join(dir, "containers"), { recursive: true });
    const file = join(dir, "engine.json");
    const before = await readJson<EngineRecord>(file);
    const other = before?.owner ?? null;
    if (other !== null && (await isRunning(other))) {
      throw new Error(`${dir}: the container engine of process ${other.pid} uses this folder. Stop that one first.`);
    }
    const addresses = await AddressPool.open(before?.network ?? null, dir);
    const id = before?.id ?? randomBytes(16).toString("hex");
    const record: EngineRecord = { id, network: addresses.prefix, owner: await identify(process.pid) };
    await writeJson(file, record);
    const engine = new ContainerEngine(options, id, await ImageStore.open(dir), await Networks.open(dir), addresses);
    await engine.#load();
    return engine;
  }

  /** All containers, newest first. */
  all(): readonly Container[] {
    return [...this.#containers.values()].sort((a, b) => b.record.created.localeCompare(a.record.created));
  }

  /** By name (with or without the leading slash), id, or the id's first digits. */
  get(name: string): Container {
    const wanted = name.replace(/^\//, "");
    const exact = this.#containers.get(wanted) ?? this.all().find(({ record }) => record.name === wanted);
    if (exact !== undefined) return exact;
    const matches = this.all().filter(({ id }) => wanted !== "" && id.startsWith(wanted));
    if (matches.length > 1) throw new DockerError(400, `Multiple IDs found with provided prefix: ${wanted}`);
    const [only] = matches;
    if (only === undefined) throw notFound("container", name);
    return only;
  }

  async create(name: string | undefined, request: CreateRequest): Promise<Container> {
    const id = randomBytes(32).toString("hex");
    const taken = this.all().find(({ record }) => record.name === name?.replace(/^\//, ""));
    if (taken !== undefined) {
      const remedy = "You have to remove (or rename) that container to be able to reuse that name.";
      throw new DockerError(
        409,
        `Conflict. The container name "/${taken.record.name}" is already in use by container "${taken.id}". ${remedy}`,
      );
    }
    const image = this.images.get(request.Image ?? "");
    const record = createRecord(id, name, request, image, (network) => this.networks.get(network));
    const container = new Container(record, this);
    // Named before anything is awaited: two requests for one name cannot both pass.
    this.#containers.set(id, container);
    await container.save();
    container.emit("create");
    return container;
  }

  async rename(container: Container, name: string): Promise<void> {
    const plain = name.replace(/^\//, "");
    if (!validName.test(plain))
      throw new DockerError(400, `Invalid container name (${plain}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
    if (this.all().some(({ record }) => record.name === plain)) {
      throw new DockerError(409, `Conflict. The container name "/${plain}" is already in use.`);
    }
    const oldName = container.record.name;
    container.record.name = plain;
    await container.save();
    await this.publishNames();
    container.emit("rename", { oldName: `/${oldName}` });
  }

  async remove(container: Container, force: boolean): Promise<void> {
    await container.remove(force);
    this.#containers.delete(container.id);
  }

  async forget(container: Container): Promise<void> {
    this.#containers.delete(container.id);
    await container.remove(true);
  }

  surroundings(record: ContainerRecord): Surroundings {
    const { native } = this.images.find(record.imageId) ?? { native: null };
    const directory = join(this.#dir, "containers", record.id.slice(0, 12));
    if (native === null) return { hostsFile: this.#hostsFile, directory, volume: null };
    const bound = (record.hostConfig.Binds ?? [])[0]?.split(":", 1)[0];
    // A container without a named volume has an anonymous one, which Docker keeps as well.
    return { hostsFile: this.#hostsFile, directory, volume: join(this.#dir, "volumes", bound ?? record.id) };
  }

  publishNames(): Promise<void> {
    return this.#hosts.write(hostsOf(this.all().map(({ record }) => record)));
  }

  volumes(): Promise<string[]> {
    return readdir(join(this.#dir, "volumes")).catch(() => []);
  }

  /** 404 if there is none; 409 while a container has it. */
  async removeVolume(name: string): Promise<void> {
    if (!(await this.volumes()).includes(name)) throw new DockerError(404, `get ${name}: no such volume`);
    const path = join(this.#dir, "volumes", name);
    const users = this.all().filter(({ record }) => this.surroundings(record).volume === path);
    if (users.length > 0) {
      throw new DockerError(409, `remove ${name}: volume is in use - [${users.map(({ id }) => id).join(", ")}]`);
    }
    await rm(path, { recursive: true, force: true });
  }

  /** Ends all containers, each with its own grace period; the next engine on this folder starts those again whose restart policy says so. */
  async stopAll(): Promise<void> {
    await Promise.all(this.all().map((container) => container.suspend()));
  }

  /** Lets go of the containers, which go on running. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const container of this.all()) container.detach();
    await this.addresses.close();
    const record: EngineRecord = { id: this.id, network: this.addresses.prefix, owner: null };
    await writeJson(join(this.#dir, "engine.json"), record);
  }

  async #load(): Promise<void> {
    const folder = join(this.#dir, "containers");
    for (const entry of await readdir(folder)) {
      const record = await readJson<ContainerRecord>(join(folder, entry, "container.json"));
      if (record === null) await rm(join(folder, entry), { recursive: true, force: true });
      else this.#containers.set(record.id, new Container(record, this));
    }
    // Those that run first: their addresses are taken.
    const running = this.all().filter(({ record }) => record.state.address !== null);
    for (const container of running)
      if (container.record.state.address !== null) this.addresses.claim(container.record.state.address);
    await Promise.all(this.all().map((container) => container.resume()));
    await this.publishNames();
  }
}
