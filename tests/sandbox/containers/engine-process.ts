import { startContainerEngine } from "../../../sandbox/containers/server.ts";

// An engine in a process of its own, for tests that kill it: `node engine-process.ts DIR HOSTS_FILE`. Says its port on stdout.
const [dir = "", hostsFile = ""] = process.argv.slice(2);
const { port } = await startContainerEngine({ host: "127.0.0.1", port: 0, dir, hostsFile });
console.log(port);
