import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { MaintenanceTarget } from "../../../../operations/coolify/spec.ts";
import { cleanUpLater } from "../../../clean-up.ts";

export interface MaintenanceSite {
  readonly target: MaintenanceTarget;
  /** COOLIFY_URL and COOLIFY_TOKEN. */
  readonly env: Record<string, string>;
  /** Whether users see the page. */
  isOn(): boolean;
}

/** A site, and as much of Coolify as turns its maintenance application on and off, at once. */
export async function maintenanceSite(): Promise<MaintenanceSite> {
  let on = false;
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    const answer = (body: object) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(body));
    };
    if (path === "/") {
      if (on) response.writeHead(503, { "retry-after": "60" });
      return response.end();
    }
    const asked = `${request.method} ${path.replace(/^\/api\/v1|\?.*$/g, "")}`;
    if (asked === "POST /deploy") {
      on = true;
      return answer({ deployments: [{ resource_uuid: "m-1", deployment_uuid: "d-1" }] });
    }
    if (asked === "POST /applications/m-1/stop") on = false;
    if (asked === "GET /deployments/d-1") return answer({ deployment_uuid: "d-1", status: "finished" });
    if (asked === "GET /deployments/applications/m-1") return answer({ deployments: [] });
    return answer({ uuid: "m-1", name: "maintenance-page", status: on ? "running:healthy" : "exited:unhealthy" });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUpLater(async () => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    target: { uuid: "m-1", url },
    env: { COOLIFY_URL: url, COOLIFY_TOKEN: "1|a-token-of-the-tests" },
    isOn: () => on,
  };
}
