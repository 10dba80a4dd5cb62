import type { DeploymentQueue } from "./deployments/queue.ts";
import type { Background } from "./background.ts";
import type { Engine } from "./docker/engine.ts";
import type { RegistryLogins } from "./docker/registry-logins.ts";
import type { Store } from "./store.ts";
import type { Version } from "./version.ts";

/** Waits that Coolify does by itself: `timeScale` times as long as in Coolify. */
export interface Clock {
  /** Rejects when the server closes. */
  sleep(seconds: number): Promise<void>;
}

/** What every part of the stand-in works with. */
export interface Coolify {
  readonly version: Version;
  readonly store: Store;
  readonly engine: Engine;
  readonly logins: RegistryLogins;
  readonly queue: DeploymentQueue;
  readonly background: Background;
  readonly clock: Clock;
  /** Aborted when the server closes: jobs die half-way, as in a crash of Coolify. */
  readonly signal: AbortSignal;
}
