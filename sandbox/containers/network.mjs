// Loaded into a process with `node --import`, before the program itself. Plain JavaScript without dependencies, because it runs in the processes of
// other people's programs. It gives a process what Docker's network namespaces and DNS would give it:
//
// - In a container (AFFEXAI_CONTAINER_ADDRESS and AFFEXAI_CONTAINER_ID are set): a server that listens on every interface or on the loopback
//   interface gets the container's own address instead, and a connection to localhost goes to the container's own address. Names are those of the
//   container's networks. `*.localhost` is the machine's 127.0.0.1, where the sandbox's other services are.
// - Elsewhere, with AFFEXAI_SANDBOX_HOSTS alone: only names are resolved, those of all networks. It stands for a VPN into the Coolify host's network.
//
// As process 1 of a container (AFFEXAI_CONTAINER_SUPERVISED and its parent is the supervisor), signals that the program does not handle are ignored,
// as the kernel ignores them for process 1 of a PID namespace (pid_namespaces(7)).
import dns from "node:dns";
import { readFileSync, statSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";

const hostsFile = process.env.AFFEXAI_SANDBOX_HOSTS;
const container =
  process.env.AFFEXAI_CONTAINER_ADDRESS === undefined
    ? null
    : { address: process.env.AFFEXAI_CONTAINER_ADDRESS, id: process.env.AFFEXAI_CONTAINER_ID ?? "" };

let hosts = { networks: {}, containers: {} };
let readAt = -1;

/** The hosts file as it is now; read again only when it was replaced. */
function currentHosts() {
  if (hostsFile === undefined) return hosts;
  try {
    const { mtimeMs, ino } = statSync(hostsFile);
    const version = mtimeMs + ino;
    if (version !== readAt) {
      hosts = JSON.parse(readFileSync(hostsFile, "utf8"));
      readAt = version;
    }
  } catch {
    // Not there (yet): then no such names exist, and the machine's own resolution has the last word.
  }
  return hosts;
}

/** The addresses of a name, or null if it is for the machine's own resolution. */
function resolve(hostname) {
  const name = hostname.toLowerCase().replace(/\.$/, "");
  if (name === "localhost") return container === null ? null : [container.address];
  if (name.endsWith(".localhost")) return ["127.0.0.1"];
  const { networks, containers } = currentHosts();
  const own = container === null ? undefined : containers[container.id];
  const ownAddress = own?.hosts[name];
  if (ownAddress !== undefined) return [ownAddress];
  const visible = container === null ? Object.keys(networks) : (own?.networks ?? []);
  const addresses = visible.flatMap((network) => networks[network]?.[name] ?? []);
  return addresses.length === 0 ? null : shuffled([...new Set(addresses)]);
}

/** Docker's DNS gives the addresses of a shared alias in changing order. */
function shuffled(addresses) {
  const first = Math.floor(Math.random() * addresses.length);
  return [...addresses.slice(first), ...addresses.slice(0, first)];
}

const systemLookup = dns.lookup;
const systemLookupPromise = dns.promises.lookup;

function lookup(hostname, options, callback) {
  const done = typeof options === "function" ? options : callback;
  const wanted =
    typeof options === "number" ? { family: options } : typeof options === "object" && options !== null ? options : {};
  const addresses = typeof hostname === "string" && net.isIP(hostname) === 0 ? resolve(hostname) : null;
  if (addresses === null || typeof done !== "function") return systemLookup.apply(dns, arguments);
  const answer = answerFor(hostname, addresses, wanted);
  process.nextTick(() => {
    if (answer instanceof Error) done(answer);
    else if (wanted.all) done(null, answer);
    else done(null, answer[0].address, answer[0].family);
  });
  return {};
}

async function lookupPromise(hostname, options) {
  const wanted = typeof options === "number" ? { family: options } : (options ?? {});
  const addresses = typeof hostname === "string" && net.isIP(hostname) === 0 ? resolve(hostname) : null;
  if (addresses === null) return systemLookupPromise.apply(dns.promises, arguments);
  const answer = answerFor(hostname, addresses, wanted);
  if (answer instanceof Error) throw answer;
  return wanted.all ? answer : answer[0];
}

/** Everything here has IPv4 addresses only. */
function answerFor(hostname, addresses, { family }) {
  if (family === 6 || family === "IPv6") {
    return Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), {
      code: "ENOTFOUND",
      errno: -3008,
      syscall: "getaddrinfo",
      hostname,
    });
  }
  return addresses.map((address) => ({ address, family: 4 }));
}

// Without this, util.promisify(dns.lookup) would lose the family.
lookup[Symbol.for("nodejs.util.promisify.custom")] = lookupPromise;
dns.lookup = lookup;
dns.promises.lookup = lookupPromise;

if (container !== null) {
  const everywhere = new Set(["0.0.0.0", "::", "", "::0", "0:0:0:0:0:0:0:0"]);
  const isLoopback = (host) => /^127\.0\.0\./.test(host) || host === "::1" || host.toLowerCase() === "localhost";

  const ownListen = net.Server.prototype.listen;
  net.Server.prototype.listen = function listen(...args) {
    return ownListen.apply(this, listenArguments(args));
  };

  /** The arguments of `listen` with the container's address in place of all interfaces, and of the loopback one. */
  function listenArguments(args) {
    const [first, second] = args;
    if (typeof first === "object" && first !== null) {
      if (!("port" in first) || first.port === undefined || "fd" in first || first.path !== undefined) return args;
      const { ipv6Only: _, ...options } = first;
      return [{ ...options, host: ownAddress(first.host) }, ...args.slice(1)];
    }
    const listensOnPort =
      first === undefined || first === null || typeof first === "number" || /^\d+$/.test(String(first));
    if (typeof first === "function") return [0, container.address, ...args];
    if (!listensOnPort) return args;
    if (typeof second === "string") return [first ?? 0, ownAddress(second), ...args.slice(2)];
    // listen(port, backlog?, callback?): without a host.
    return [first ?? 0, container.address, ...args.slice(1).filter((value) => value !== undefined && value !== null)];
  }

  function ownAddress(host) {
    if (host === undefined || host === null || everywhere.has(host) || isLoopback(host)) return container.address;
    return host;
  }

  const ownConnect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function connect(...args) {
    return ownConnect.apply(this, connectArguments(args));
  };

  /** The arguments of `connect`, with the container's address in place of its loopback interface. A name is left to `lookup`. */
  function connectArguments(args) {
    const [first, second] = args;
    // node:net passes arguments that it has normalised already as one array, which it knows by a symbol.
    if (Array.isArray(first)) {
      const [options, ...rest] = first;
      if (!redirected(options)) return args;
      const copy = [{ ...options, host: container.address }, ...rest];
      for (const symbol of Object.getOwnPropertySymbols(first)) copy[symbol] = first[symbol];
      return [copy, ...args.slice(1)];
    }
    if (typeof first === "object" && first !== null) {
      return redirected(first) ? [{ ...first, host: container.address }, ...args.slice(1)] : args;
    }
    const port = typeof first === "number" || /^\d+$/.test(String(first));
    if (!port) return args;
    if (typeof second !== "string") return [first, container.address, ...args.slice(1)];
    return redirected({ port: first, host: second }) ? [first, container.address, ...args.slice(2)] : args;
  }

  function redirected(options) {
    if (typeof options !== "object" || options === null || options.path != null || options.port === undefined)
      return false;
    const host = options.host;
    return host === undefined || host === null || everywhere.has(host) || (net.isIP(host) !== 0 && isLoopback(host));
  }

  if (process.env.AFFEXAI_CONTAINER_SUPERVISED === "1" && isFirstProcess()) {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => undefined);
  }
}

/** Whether our parent is the supervisor: it leads our process group, and its own number is the group's. */
function isFirstProcess() {
  try {
    const stat = readFileSync("/proc/self/stat", "utf8");
    const [, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return parent === group;
  } catch {
    return false;
  }
}

syncBuiltinESMExports();
