import { credentials } from "@grpc/grpc-js";
import type { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb.js";

/** Where a provider's lines go while it works. */
export interface EngineLog {
  /** One line of status under a resource. It is not kept in the run's diagnostics. */
  status(urn: string, line: string): void;
}

/** Logs to the engine at this address. A line that cannot be delivered is lost: the engine is gone then. */
export function engineLog(address: string): EngineLog {
  let client: EngineClient | undefined;
  // Loaded on demand: a preview has nothing to say.
  const send = async (urn: string, line: string) => {
    const [{ EngineClient: Client }, { default: engine }] = await Promise.all([
      import("@pulumi/pulumi/proto/engine_grpc_pb.js"),
      import("@pulumi/pulumi/proto/engine_pb.js"),
    ]);
    client ??= new Client(address, credentials.createInsecure());
    const request = new engine.LogRequest()
      .setSeverity(engine.LogSeverity.INFO)
      .setUrn(urn)
      .setMessage(line)
      .setEphemeral(true);
    client.log(request, () => undefined);
  };
  return { status: (urn, line) => void send(urn, line) };
}
