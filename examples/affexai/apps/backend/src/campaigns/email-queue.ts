import { Inject, Injectable, Logger, type OnApplicationShutdown } from "@nestjs/common";
import { Queue, Worker } from "bullmq";
import { ENVIRONMENT } from "../config/config.module";
import type { Environment } from "../config/schema";

/** What a job holds. Replicas of the release before and after this one share the queue: fields are only ever added. */
export interface CampaignJob {
  campaignId: string;
}

const name = "email";
const prefix = "affexai";

/** The campaign queue in Redis: jobs survive every process and are tried again, with growing pauses, when sending fails. */
@Injectable()
export class EmailQueue implements OnApplicationShutdown {
  private readonly logger = new Logger("EmailQueue");
  private readonly connection: { url: string };
  private readonly queue: Queue<CampaignJob>;
  private worker: Worker<CampaignJob> | undefined;
  private readonly connected = new Set<Queue<CampaignJob> | Worker<CampaignJob>>();
  private finishing = false;

  constructor(@Inject(ENVIRONMENT) environment: Environment) {
    this.connection = { url: environment.REDIS_URL };
    this.queue = new Queue(name, { connection: this.connection, prefix });
    this.queue.on("error", (error) => this.logger.warn(`queue: ${error.message}`));
    void this.connect(this.queue);
  }

  /** One job per campaign, however often it is asked for. */
  async add(campaignId: string): Promise<void> {
    await this.queue.add(
      "send",
      { campaignId },
      { jobId: campaignId, attempts: 10, backoff: { type: "exponential", delay: 1_000 }, removeOnComplete: true },
    );
  }

  async waiting(): Promise<number> {
    return this.queue.getWaitingCount();
  }

  /** Takes jobs from now on. Not called before the process is ready: a release that never gets there must not do any work. */
  work(send: (job: CampaignJob) => Promise<void>): void {
    this.worker ??= new Worker<CampaignJob>(name, (job) => send(job.data), {
      connection: this.connection,
      prefix,
      concurrency: 2,
    });
    this.worker.on("error", (error) => this.logger.warn(`worker: ${error.message}`));
    this.worker.on("failed", (job, error) => this.logger.error(`campaign ${job?.data.campaignId}: ${error.message}`));
    void this.connect(this.worker).then(() => (this.finishing ? this.finish() : undefined));
  }

  /** Takes no more jobs; resolves when the running ones are done. */
  async finish(): Promise<void> {
    this.finishing = true;
    if (this.worker !== undefined) await this.close(this.worker);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.finish();
    await this.close(this.queue);
  }

  private async connect(one: Queue<CampaignJob> | Worker<CampaignJob>): Promise<void> {
    try {
      await one.waitUntilReady();
      this.connected.add(one);
    } catch (error) {
      this.logger.warn(error instanceof Error ? error.message : "not connected");
    }
  }

  /**
   * Closed while it still connects, BullMQ 5.81 emits an error to which nobody can listen any more, and the process would end in the middle
   * of its drain. What is not connected has no job.
   */
  private async close(one: Queue<CampaignJob> | Worker<CampaignJob>): Promise<void> {
    if (this.connected.has(one)) await one.close();
  }
}
