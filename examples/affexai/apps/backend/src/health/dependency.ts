/** Something outside the process that requests need. */
export interface Dependency {
  readonly name: string;
  /** How long to wait between checks, milliseconds. */
  readonly intervalMs: number;
  /** Rejects when the dependency does not answer as it should. */
  check(): Promise<void>;
}

/**
 * Asks a dependency again and again in the background, so that a probe is answered at once from what is known. It counts as
 * down only when its last good answer is older than 5 s: one lost packet must not take every replica out of the proxy together.
 */
export class DependencyWatch {
  static readonly toleranceMs = 5_000;
  private lastGood = Number.NEGATIVE_INFINITY;
  private lastFailure = "has not answered yet";
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly dependency: Dependency,
    private readonly onChecked: () => void,
  ) {}

  get name(): string {
    return this.dependency.name;
  }

  /** Why it is down, or undefined while it is up. */
  get failure(): string | undefined {
    return performance.now() - this.lastGood <= DependencyWatch.toleranceMs ? undefined : this.lastFailure;
  }

  start(): void {
    void this.ask();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async ask(): Promise<void> {
    try {
      await Promise.race([this.dependency.check(), timeout(4_000)]);
      this.lastGood = performance.now();
    } catch (error) {
      this.lastFailure = error instanceof Error ? error.message : "failed";
    }
    if (this.stopped) return;
    this.onChecked();
    this.timer = setTimeout(() => void this.ask(), this.dependency.intervalMs);
  }
}

function timeout(milliseconds: number): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${milliseconds / 1000} s`)), milliseconds).unref();
  });
}
