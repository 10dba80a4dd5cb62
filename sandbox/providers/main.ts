import { flushCompileCache } from "node:module";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { engineLog } from "./engine-log.ts";
import { isProviderName, loadProvider } from "./providers.ts";
import { providerService } from "./service.ts";

// A stand-in provider: `main.ts <name> <version> [flags] <engine address>`. The engine reads the port of its gRPC server as the first
// line of stdout.

const maxMessageBytes = 400 * 1024 * 1024;

const [name = "", version = "", ...others] = process.argv.slice(2);
const engineAddress = others.findLast((argument) => !argument.startsWith("-")) ?? "";
if (!isProviderName(name)) throw new Error(`There is no stand-in for a provider ${name}.`);

const server = new Server({
  "grpc.max_receive_message_length": maxMessageBytes,
  "grpc.max_send_message_length": maxMessageBytes,
});
server.addService(
  ResourceProviderService,
  providerService(await loadProvider(name), version, engineLog(engineAddress)),
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${port}\n`);
  // The engine ends us with SIGKILL, and what was compiled would never be kept.
  flushCompileCache();
});

// The engine holds the other end of our stdin. Unlike the official providers a stand-in does not outlive a killed engine.
process.stdin.resume();
process.stdin.once("end", () => process.exit(0));
