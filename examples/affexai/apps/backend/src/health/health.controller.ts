import { Controller, Get } from "@nestjs/common";
import { HealthCheck, type HealthCheckResult, HealthCheckService, HealthIndicatorService } from "@nestjs/terminus";
import { Public } from "../auth/access";
import { Readiness } from "./readiness";

@Controller("health")
@Public()
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly readiness: Readiness,
  ) {}

  /** The process runs and its event loop turns. Nothing else: restarting it would not bring a dependency back. */
  @Get()
  live(): { status: "ok" } {
    return { status: "ok" };
  }

  /** 200 when requests should be sent here, else 503 with the reasons. Answered from memory, so a probe never waits. */
  @Get("ready")
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check(
      this.readiness.parts().map(({ name, failure }) => () => {
        const indicator = this.indicators.check(name);
        return failure === undefined ? indicator.up() : indicator.down({ message: failure });
      }),
    );
  }
}
