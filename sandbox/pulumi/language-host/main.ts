import { flushCompileCache } from "node:module";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import { languageRuntime } from "./language-runtime.ts";

// The Node language host of the Pulumi engine, for machines on which the engine was built from its modules: the official one comes with the official
// download only. The engine starts it as `pulumi-language-nodejs [flags] <engine address>` and reads the port of its gRPC server as the first line
// of stdout. What programs write to stdout and stderr follows there: the engine shows it.

// A program's messages may be as large as the engine's: its limit, rpcutil.GrpcChannelOptions.
const maxMessageBytes = 400 * 1024 * 1024;

const engineAddress = process.argv.slice(2).findLast((argument) => !argument.startsWith("-"));
if (engineAddress === undefined)
  throw new Error("The engine's address is missing: pulumi-language-nodejs <engine address>.");

const server = new Server({
  "grpc.max_receive_message_length": maxMessageBytes,
  "grpc.max_send_message_length": maxMessageBytes,
});
server.addService(LanguageRuntimeService, languageRuntime(engineAddress));
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${port}\n`);
  // The engine ends us with SIGKILL, and what was compiled would never be kept.
  flushCompileCache();
});

// The engine holds the other end of our stdin. It ends when the engine does, also after kill -9: nothing may stay behind then.
process.stdin.resume();
process.stdin.once("end", () => process.exit(0));
