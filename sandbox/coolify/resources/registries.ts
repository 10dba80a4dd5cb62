import type { Coolify } from "../context.ts";
import { registryOf } from "../docker/registry-logins.ts";
import { invalid, ok, refuse, type Reply } from "../http/reply.ts";
import { requireJson, text as textOf, type ApiRequest } from "../http/request.ts";
import type { Route } from "../http/route.ts";
import type { Fields } from "../json.ts";
import { required, text, validate } from "../validation/field.ts";
import { findServer, placeOf, teamOf } from "./lookup.ts";

const fields = ["registry", "username", "password"];
const hint = "Enter a registry host, for example ghcr.io or registry.example.com:5000.";
const registryPattern = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?$/;

/**
 * Registry logins of a server; since 4.4 (ServerDockerRegistriesController.php of that release). `docker login` is proved against the
 * registry; the password is neither returned nor stored by Coolify, only in the server's docker configuration.
 */
export function registryRoutes(coolify: Coolify): Route[] {
  const since = "4.4";
  const path = "/servers/:uuid/registries";
  return [
    {
      method: "GET",
      path,
      ability: "read:sensitive",
      since,
      async handle({ params, teamId }) {
        findServer(coolify, teamId, params.uuid ?? "");
        return ok({ registries: await rows(coolify, teamId), error: null });
      },
    },
    {
      method: "POST",
      path,
      ability: "write",
      since,
      async handle(request) {
        requireJson(request);
        const { params, teamId } = request;
        const input = { ...request.input };
        if (typeof input.registry === "string") input.registry = normaliseRegistry(input.registry);
        const rules = {
          registry: required(text({ max: 255, pattern: registryPattern, patternMessage: hint })),
          username: required(
            text({ max: 255, pattern: /^\S+$/, patternMessage: "The username must not contain spaces." }),
          ),
          password: required(text({ max: 20_000 })),
        };
        validate(input, rules, fields);
        findServer(coolify, teamId, params.uuid ?? "");
        const of = (name: string): string => textOf(input, name) ?? "";
        const [registry, password] = [of("registry"), of("password")];
        try {
          await coolify.logins.login(registry, of("username"), password);
        } catch (error) {
          throw refuse(400, `Login failed: ${reason(error).replaceAll(password, "***")}`);
        }
        return ok({ message: `Logged in to ${registry}.` });
      },
    },
    {
      method: "POST",
      path: `${path}/:registry/check`,
      ability: "write",
      since,
      handle: (request) =>
        onRegistry(coolify, request, "Login check failed", async (registry) => {
          await coolify.logins.check(registry);
          return `The login for ${registry} works.`;
        }),
    },
    {
      method: "DELETE",
      path: `${path}/:registry`,
      ability: "write",
      since,
      handle: (request) =>
        onRegistry(coolify, request, "Logout failed", async (registry) => {
          await coolify.logins.logout(registry);
          return `Logged out from ${registry}.`;
        }),
    },
  ];
}

async function onRegistry(
  coolify: Coolify,
  { params, teamId }: ApiRequest,
  failure: string,
  operation: (registry: string) => Promise<string>,
): Promise<Reply> {
  const registry = normaliseRegistry(params.registry ?? "");
  if (registry.length > 255 || !registryPattern.test(registry)) throw invalid({ registry: [hint] });
  findServer(coolify, teamId, params.uuid ?? "");
  try {
    return ok({ message: await operation(registry) });
  } catch (error) {
    throw refuse(400, `${failure}: ${reason(error)}`);
  }
}

/** Logins, and the registries that applications pull from, by name. */
async function rows(coolify: Coolify, teamId: number): Promise<Fields[]> {
  const logins = await coolify.logins.list();
  const applications = coolify.store.state.applications.filter((one) => teamOf(coolify, one) === teamId);
  const needed = applications.map((one) => registryOf(one.columns.docker_registry_image_name ?? ""));
  const names = [...new Set([...logins.map(({ registry }) => registry), ...needed])].sort();
  return names.map((registry) => {
    const login = logins.find((one) => one.registry === registry);
    return {
      registry,
      logged_in: login !== undefined,
      source: login === undefined ? null : "auths",
      username: login?.username ?? null,
      used_by: applications
        .filter((_one, index) => needed[index] === registry)
        .map((one) => {
          const { environment, project } = placeOf(coolify, one);
          const link = `/project/${project.uuid}/environment/${environment.uuid}/application/${one.uuid}`;
          return { type: "Application", name: one.columns.name, link };
        }),
    };
  });
}

function normaliseRegistry(value: string): string {
  return value
    .trim()
    .replace(/^https?:\/\//i, "")
    .replace(/\/+$/, "")
    .toLowerCase();
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
