import type { Fields } from "../json.ts";
import type { Deployment } from "../records.ts";
import { ordered } from "../resources/application-view.ts";

/** A deployment as the API gives it. `logs` is a JSON string, and only for tokens that may see secrets. */
export function describeDeployment(deployment: Deployment, sensitive: boolean): Fields {
  const { applicationId, applicationName, serverId, serverName, destinationId, logs, ...rest } = deployment;
  return ordered({
    ...rest,
    application_id: `${applicationId}`,
    application_name: applicationName,
    build_server_id: null,
    commit_message: null,
    configuration_hash: null,
    current_process_id: null,
    destination_id: `${destinationId}`,
    git_type: null,
    horizon_job_id: null,
    horizon_job_worker: null,
    is_webhook: false,
    only_this_server: false,
    server_id: serverId,
    server_name: serverName,
    ...(sensitive ? { logs: logs.length === 0 ? null : JSON.stringify(logs) } : {}),
  });
}
