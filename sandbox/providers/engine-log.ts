import { credentials } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";

/** Where a provider's lines go while it works. */
export interface EngineLog {
  /** One line of status under a resource. It is not kept in the run's diagnostics. */
  status(urn: string, line: string): void;
}

/** Logs to the engine at this address. A line that cannot be delivered is lost: the engine is gone then. */
export function engineLog(address: string): EngineLog {
  let client: EngineClient | undefined;
  return {
    status(urn, line) {
      client ??= new EngineClient(address, credentials.createInsecure());
      const request = new engine.LogRequest()
        .setSeverity(engine.LogSeverity.INFO)
        .setUrn(urn)
        .setMessage(line)
        .setEphemeral(true);
      client.log(request, () => undefined);
    },
  };
}
