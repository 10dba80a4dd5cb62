import { Controller, Get, ServiceUnavailableException } from "@nestjs/common";
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

  /**
   * What Docker's health check asks: latched. When Docker calls every container unhealthy the proxy has no route left, so an outage of
   * a dependency would be a 404; by readiness alone it is a 503 that ends with the outage.
   */
  @Get("started")
  hasStarted(): { status: "ok" } {
    if (!this.readiness.hasStarted) throw new ServiceUnavailableException("Not ready yet.");
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
