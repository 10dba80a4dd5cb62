import { BlockList, isIP } from "node:net";
import type { Coolify } from "../context.ts";
import { created, ok, refuse } from "../http/reply.ts";
import { flag, requireJson, text as textOf, type ApiRequest } from "../http/request.ts";
import type { Route } from "../http/route.ts";
import { timestamp } from "../identifiers.ts";
import type { S3Storage } from "../records.ts";
import { flagRule, required, rule, text, validate, type Rule } from "../validation/field.ts";
import { descriptionRule, nameRule } from "../validation/patterns.ts";

const fields = ["name", "description", "endpoint", "bucket", "region", "key", "secret", "is_usable"];
const texts = ["name", "endpoint", "bucket", "region", "key", "secret"] as const;

/** S3 storages (Coolify 379abb2, S3StoragesController.php); since 4.3. Endpoints on local and private addresses are refused. */
export function s3StorageRoutes(coolify: Coolify): Route[] {
  const { state } = coolify.store;
  const since = "4.3";
  const find = ({ params, teamId }: ApiRequest): S3Storage => {
    const storage = state.s3Storages.find((one) => one.uuid === params.uuid && one.teamId === teamId);
    if (storage === undefined) throw refuse(404, "S3 storage not found.");
    return storage;
  };
  const rules: Record<string, Rule> = {
    name: nameRule,
    description: descriptionRule,
    endpoint: endpointRule,
    bucket: text({ pattern: /^(?=.{3,63}$)[a-z0-9][a-z0-9.-]*[a-z0-9]$/ }),
    region: text({ max: 255 }),
    key: text({ max: 255 }),
    secret: text({ max: 255 }),
    is_usable: flagRule(),
  };
  const mandatory = Object.fromEntries(texts.map((name) => [name, required(rules[name] ?? text())]));
  return [
    {
      method: "GET",
      path: "/s3-storages",
      ability: "read",
      since,
      handle: ({ teamId, sensitive }) =>
        ok(state.s3Storages.filter((one) => one.teamId === teamId).map((one) => describe(one, sensitive))),
    },
    {
      method: "GET",
      path: "/s3-storages/:uuid",
      ability: "read",
      since,
      handle: (request) => ok(describe(find(request), request.sensitive)),
    },
    {
      method: "POST",
      path: "/s3-storages",
      ability: "write",
      since,
      handle(request) {
        requireJson(request);
        const { input, teamId } = request;
        validate(input, { ...rules, ...mandatory }, fields);
        const of = (name: string): string => textOf(input, name) ?? "";
        const storage: S3Storage = {
          ...coolify.store.stamp(),
          teamId,
          name: of("name"),
          description: textOf(input, "description") ?? null,
          endpoint: of("endpoint"),
          bucket: of("bucket"),
          region: of("region"),
          key: of("key"),
          secret: of("secret"),
          is_usable: flag(input, "is_usable"),
        };
        state.s3Storages.push(storage);
        return created({ uuid: storage.uuid });
      },
    },
    {
      method: "PATCH",
      path: "/s3-storages/:uuid",
      ability: "write",
      since,
      handle(request) {
        requireJson(request);
        const { input } = request;
        validate(input, { ...rules, name: { ...nameRule, nullable: true } }, fields);
        const storage = find(request);
        for (const name of texts) storage[name] = textOf(input, name) ?? storage[name];
        if ("description" in input) storage.description = textOf(input, "description") ?? null;
        storage.is_usable = flag(input, "is_usable", storage.is_usable);
        storage.updated_at = timestamp();
        return ok({ uuid: storage.uuid });
      },
    },
    {
      method: "DELETE",
      path: "/s3-storages/:uuid",
      ability: "write",
      since,
      handle(request) {
        const storage = find(request);
        state.s3Storages = state.s3Storages.filter((one) => one !== storage);
        return ok({ message: "S3 storage deleted." });
      },
    },
    {
      method: "POST",
      path: "/s3-storages/:uuid/validate",
      ability: "write",
      since,
      async handle(request) {
        const storage = find(request);
        const problem = await reach(storage, coolify.signal);
        storage.is_usable = problem === undefined;
        return ok({ valid: problem === undefined, message: problem ?? "S3 storage connection is valid." });
      },
    },
  ];
}

/** Loopback, private, link-local and reserved ranges (Coolify 379abb2, app/Rules/SafeWebhookUrl.php); names are not resolved here. */
const closed = new BlockList();
const ranges = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "224.0.0.0/4",
];
for (const range of ranges) closed.addSubnet(range.split("/")[0] ?? "", Number(range.split("/")[1]), "ipv4");
for (const [network, bits] of [
  ["fc00::", 7],
  ["fe80::", 10],
  ["::1", 128],
] as const)
  closed.addSubnet(network, bits, "ipv6");

const endpointRule: Rule = rule((value, name) => {
  const url = typeof value === "string" ? URL.parse(value) : null;
  if (url === null) return [`The ${name} must be a valid URL.`];
  if (!["http:", "https:"].includes(url.protocol)) return [`The ${name} must use the http or https scheme.`];
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const family = isIP(host);
  const local = host === "localhost" || /\.(local|internal)$/.test(host);
  if (local || (family !== 0 && closed.check(host, family === 6 ? "ipv6" : "ipv4"))) {
    return [
      `The ${name} points to a local or private address that is not allowed. Configure allowed internal targets: /settings/advanced#endpoint-section`,
    ];
  }
  return [];
});

/** Asks the bucket's address once: the sandbox proves that something answers, not that the keys fit. */
async function reach({ endpoint, bucket }: S3Storage, signal: AbortSignal): Promise<string | undefined> {
  try {
    await fetch(`${endpoint.replace(/\/$/, "")}/${bucket}`, {
      method: "HEAD",
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
    });
    return undefined;
  } catch (error) {
    return `Could not reach ${endpoint}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function describe({ uuid, key, secret, ...storage }: S3Storage, sensitive: boolean) {
  const { teamId, name, description, endpoint, bucket, region, is_usable, created_at, updated_at } = storage;
  const rest = { name, description, endpoint, bucket, region, is_usable, team_id: teamId, created_at, updated_at };
  return { uuid, ...(sensitive ? { key, secret } : {}), ...rest };
}
