// libpq's `hostaddr`, which node-postgres does not know: the near end of a tunnel, while TLS goes on checking the host's name.
import dns from "node:dns";
import { isIP } from "node:net";

/** Lets every connection to the host of DATABASE_URL go to the address in its `hostaddr`, if it has one. */
export function goToAddress() {
  const url = new URL(process.env.DATABASE_URL);
  const address = url.searchParams.get("hostaddr");
  if (address === null) return;
  const { hostname } = url;
  if (isIP(hostname.replace(/^\[|\]$/g, ""))) {
    // An address is never looked up.
    url.hostname = address;
    process.env.DATABASE_URL = url.href;
    return;
  }
  const { lookup } = dns;
  dns.lookup = (name, ...rest) => lookup(name === hostname ? address : name, ...rest);
}
