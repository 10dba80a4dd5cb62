import { Counter, Gauge, Registry } from "prom-client";
import type { BucketContent, DatabaseState } from "./inspection.ts";

/** What the scrape has to know of the agent at that moment. */
export interface AgentView {
  now(): Date;
  /** Null before the bucket was read for the first time. */
  bucket(): BucketContent | null;
  database(): DatabaseState | null;
  ourTurn(): boolean;
  /** The next time of each job that has set times. */
  nextRuns(): ReadonlyMap<string, Date>;
}

/**
 * The agent's figures in Prometheus' text format. Ages are of the moment of the scrape; times are seconds, sizes bytes. A reason that
 * has no backup has no series, so that an alert on its absence can tell "none" from "old".
 */
export class AgentMetrics {
  readonly #registry = new Registry();
  readonly #failures: Counter<"job">;
  readonly #runs: Counter<"job">;
  readonly #lastSuccess: Gauge<"job">;
  readonly #duration: Gauge<"job">;
  readonly #pages: Counter<"told">;

  constructor(view: AgentView) {
    const registers = [this.#registry];
    const job = { labelNames: ["job"] as const, registers };
    this.#runs = new Counter({ name: "affexai_agent_job_runs_total", help: "Runs that ended, by job.", ...job });
    this.#failures = new Counter({
      name: "affexai_agent_job_failures_total",
      help: "Runs that failed, by job.",
      ...job,
    });
    this.#lastSuccess = new Gauge({
      name: "affexai_agent_job_last_success_timestamp_seconds",
      help: "When a job last succeeded, since this agent started.",
      ...job,
    });
    this.#duration = new Gauge({
      name: "affexai_agent_job_duration_seconds",
      help: "How long a job took the last time that it succeeded.",
      ...job,
    });
    this.#pages = new Counter({
      name: "affexai_agent_pages_total",
      help: "Times that somebody had to look; told is false where the page reached nobody.",
      labelNames: ["told"],
      registers,
    });
    this.#watch(view);
  }

  /** Series that exist from the beginning, at 0: an increase can only be seen from a value. */
  announce(jobs: readonly string[]): void {
    for (const job of jobs) {
      this.#runs.inc({ job }, 0);
      this.#failures.inc({ job }, 0);
    }
    for (const told of ["true", "false"]) this.#pages.inc({ told }, 0);
  }

  succeeded(job: string, at: Date, seconds: number): void {
    this.#runs.inc({ job });
    this.#lastSuccess.set({ job }, at.getTime() / 1000);
    this.#duration.set({ job }, seconds);
  }

  failed(job: string): void {
    this.#runs.inc({ job });
    this.#failures.inc({ job });
  }

  paged(told: boolean): void {
    this.#pages.inc({ told: `${told}` });
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Gauges whose values are read when they are asked for. */
  #watch(view: AgentView): void {
    const gauge = <Label extends string>(
      name: string,
      help: string,
      labelNames: readonly Label[],
      values: () => Iterable<readonly [labels: Partial<Record<Label, string>>, value: number]>,
    ) => {
      new Gauge({
        ...{ name: `affexai_${name}`, help, labelNames, registers: [this.#registry] },
        collect() {
          this.reset();
          for (const [labels, value] of values()) this.set(labels, value);
        },
      });
    };
    const ageOf = (iso: string) => (view.now().getTime() - Date.parse(iso)) / 1000;
    /** The newest backup of each reason. */
    const newest = () =>
      new Map((view.bucket()?.backups ?? []).map((backup) => [backup.reason, backup] as const)).values();
    const ofNewest = (value: (backup: BucketContent["backups"][number]) => number) => () =>
      [...newest()].map((backup) => [{ reason: backup.reason }, value(backup)] as const);
    gauge(
      "backup_age_seconds",
      "Age of the newest backup's snapshot.",
      ["reason"],
      ofNewest(({ takenAt }) => ageOf(takenAt)),
    );
    gauge(
      "backup_size_bytes",
      "Size of the newest backup's dump.",
      ["reason"],
      ofNewest(({ dump }) => dump.bytes),
    );
    gauge(
      "backup_duration_seconds",
      "How long the newest backup took.",
      ["reason"],
      ofNewest(({ startedAt, finishedAt }) => (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000),
    );
    const ofDrill = (value: (drill: BucketContent["drills"][number]) => number) => () => {
      const drill = view.bucket()?.drills.at(-1);
      return drill === undefined ? [] : [[{}, value(drill)] as const];
    };
    gauge(
      "drill_age_seconds",
      "Time since a backup was last proven by a restore.",
      [],
      ofDrill(({ drilledAt }) => ageOf(drilledAt)),
    );
    gauge(
      "drill_backup_age_seconds",
      "Age of the newest proven backup's snapshot.",
      [],
      ofDrill(({ takenAt }) => ageOf(takenAt)),
    );
    gauge(
      "drill_restore_seconds",
      "How long the last drill restored.",
      [],
      ofDrill(({ restoreSeconds }) => restoreSeconds),
    );
    gauge(
      "drill_verify_seconds",
      "How long the last drill compared with the manifest.",
      [],
      ofDrill(({ verifySeconds }) => verifySeconds),
    );
    gauge(
      "drill_rpo_seconds",
      "Age of the backup when it was proven: what would have been lost.",
      [],
      ofDrill(({ rpoSeconds }) => rpoSeconds),
    );
    gauge(
      "drill_rto_seconds",
      "Restore and verification together.",
      [],
      ofDrill(({ rtoSeconds }) => rtoSeconds),
    );
    gauge("drill_size_bytes", "Size of the last drilled backup's dump.", [], () => {
      const { backups = [], drills = [] } = view.bucket() ?? {};
      const backup = backups.find(({ id }) => id === drills.at(-1)?.id);
      return backup === undefined ? [] : [[{}, backup.dump.bytes]];
    });
    gauge("agent_job_next_run_timestamp_seconds", "When a job is due next.", ["job"], () =>
      [...view.nextRuns()].map(([job, at]) => [{ job }, at.getTime() / 1000] as const),
    );
    gauge("agent_turn", "1 while this agent is the one that works; another one may stand by.", [], () => [
      [{}, view.ourTurn() ? 1 : 0],
    ]);
    const state = (value: (database: DatabaseState) => number) => () => {
      const database = view.database();
      return database === null ? [] : [[{}, value(database)] as const];
    };
    gauge(
      "freezes",
      "Write freezes in force.",
      [],
      state(({ freezes }) => freezes.length),
    );
    gauge(
      "freezes_overdue",
      "Write freezes whose lease has ended.",
      [],
      state(({ freezes }) => freezes.filter(({ leaseEnded }) => leaseEnded).length),
    );
    gauge(
      "open_runs",
      "Runs in the journal that have not ended.",
      [],
      state(({ openRuns }) => openRuns.length),
    );
  }
}
