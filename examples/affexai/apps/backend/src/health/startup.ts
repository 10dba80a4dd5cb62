import { Inject, Injectable, Logger, type OnApplicationShutdown } from "@nestjs/common";
import { CampaignsService } from "../campaigns/campaigns.service";
import { ENVIRONMENT } from "../config/config.module";
import type { Environment } from "../config/schema";
import { History } from "../system/history";
import { UsersService } from "../users/users.service";

const retryMs = 5_000;

/**
 * What happens once, when everything this release needs is there for the first time. A release that never gets ready has
 * therefore written nothing and taken no job from the queue.
 */
@Injectable()
export class Startup implements OnApplicationShutdown {
  private readonly logger = new Logger("Startup");
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly users: UsersService,
    private readonly history: History,
    private readonly campaigns: CampaignsService,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  async run(): Promise<void> {
    await this.write();
    this.campaigns.startSending();
  }

  onApplicationShutdown(): void {
    clearTimeout(this.timer);
  }

  /** Tried again in the background when it fails: writes may be frozen while a release is put in place, and it must get ready then. */
  private async write(): Promise<void> {
    try {
      await this.ensureDemoUser();
      await this.history.recordMigrations();
      await this.history.recordDeployment();
    } catch (error) {
      this.logger.warn(`will be tried again: ${error instanceof Error ? error.message : "failed"}`);
      this.timer = setTimeout(() => void this.write(), retryMs);
    }
  }

  private async ensureDemoUser(): Promise<void> {
    const { DEMO_USER_EMAIL: email, DEMO_USER_PASSWORD: password } = this.environment;
    if (email === undefined || password === undefined) return;
    await this.users.createIfAbsent({ email, password, name: "Demo", role: "admin" });
  }
}
