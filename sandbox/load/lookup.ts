import { lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";

/** As the system looks names up, but every name under `localhost` is this machine (RFC 6761), which not every system knows. */
export const lookup: LookupFunction = (name, options, done) => {
  if (name !== "localhost" && !name.endsWith(".localhost")) return systemLookup(name, options, done);
  if (options.all === true) done(null, [{ address: "127.0.0.1", family: 4 }]);
  else done(null, "127.0.0.1", 4);
};
