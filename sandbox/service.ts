import { json } from "node:stream/consumers";
import { services } from "./supervisor/services.ts";

// One service of the sandbox as a process: `node sandbox/service.ts <name>`, its options as JSON on stdin. Says `ready <url>` to its parent, or on
// stdout when it has none that listens; stops on a `stop` message, on SIGTERM or SIGINT, and when its parent is gone, also by kill -9.

const name = process.argv[2];
const service = services.find((candidate) => candidate.name === name);
if (service === undefined) {
  process.stderr.write(
    `service: unknown name ${name ?? ""}. The services are ${services.map((each) => each.name).join(", ")}.\n`,
  );
  process.exit(2);
}

const stopped = Promise.withResolvers<void>();
const stop = () => stopped.resolve();
process.on("SIGTERM", stop).on("SIGINT", stop).once("disconnect", stop);
process.on("message", (message) => {
  if (message === "stop") stop();
});

const running = await service.start(await json(process.stdin), (note) => {
  process.stdout.write(`${note}\n`);
  if (process.connected) process.send?.({ note });
});
if (process.send === undefined) process.stdout.write(`ready ${running.url}\n`);
else if (process.connected) process.send({ ready: running.url });
await stopped.promise;
await running.close();
process.exit(0);
