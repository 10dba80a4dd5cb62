import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { api } from "./api.ts";
import { control } from "./control.ts";
import { Faults } from "./faults.ts";
import { RateLimit } from "./rate-limit.ts";
import { Store } from "./store.ts";

/** Requests of an hour that a token has. */
const requestsPerHour = 5000;
/** Where a GitHub Enterprise Server has the same API. */
const enterprisePrefix = "/api/v3";

export interface GithubOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Where the state is kept; made when it is not there. */
  readonly dir: string;
  /** The one token that is accepted, with every right. */
  readonly token: string;
  /** An organisation. */
  readonly owner: string;
  /** The one repository there is, without its owner. */
  readonly repository: string;
}

export interface Github {
  /** `http://127.0.0.1:7304`: for `GITHUB_API_URL`, and for `GITHUB_BASE_URL`, below which `/api/v3/` is answered too. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the stand-in for GitHub's REST API. Throws what listening throws, such as EADDRINUSE. */
export async function startGithub(options: GithubOptions): Promise<Github> {
  const store = await Store.open(options.dir, options.owner, options.repository);
  const faults = new Faults();
  const limit = new RateLimit(requestsPerHour);
  const sandbox = control(store, faults, options.token);
  const rest = api({ store, faults, limit, token: options.token, prefix: "" });
  const enterprise = api({ store, faults, limit, token: options.token, prefix: enterprisePrefix });
  const listener = getRequestListener((request) => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/_sandbox/")) return sandbox.fetch(request);
    return (pathname.startsWith(`${enterprisePrefix}/`) ? enterprise : rest).fetch(request);
  });
  const server = createServer((request, response) => void listener(request, response));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(options.port, options.host, resolve);
  await promise;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The GitHub stand-in has no port.");
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${address.port}`,
    close: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}
