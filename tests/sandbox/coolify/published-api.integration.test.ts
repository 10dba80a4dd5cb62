import assert from "node:assert/strict";
import type { Coolify } from "../../../sandbox/coolify/context.ts";
import { isFields, type Fields, type Json } from "../../../sandbox/coolify/json.ts";
import { routes } from "../../../sandbox/coolify/routes.ts";
import { Version } from "../../../sandbox/coolify/version.ts";
import { addApplication, fieldsIn, openPlace, openPlayground, type Playground } from "./fixture.ts";
import { publishedOperations, publishedSchemas } from "./published-api.ts";

// The published description is a judge that this stand-in did not write. It is generated from annotations and wrong in places; each place
// where we differ has its reason here, and a reason that is no longer needed fails the test.

/** Published, and not played: what the sandbox does not need. */
const unplayed: [RegExp, string][] = [
  [/\/envs.*envs|\/(team|projects|servers)\S*\/envs/, "shared variables"],
  [
    /\/(cloudflare-tunnel|docker-cleanup|log-drains|sentinel|export|import|claim|transfer|migrate)\b/,
    "server subsystems",
  ],
  [
    /^(POST|DELETE) \/servers|\/servers\/\{}\/proxy\/|POST \/servers\/\{}\/destinations/,
    "servers are part of the sandbox",
  ],
  [/storages\/\{}\/backups/, "volume backups"],
  [
    /\/services\/\{}\/(applications|databases|storages|scheduled-tasks|logs|move|clone)/,
    "services are kept as records",
  ],
  [
    /\/(clone|previews\/\{})$|\/databases\/\{}\/move|\/applications\/\{}\/destinations/,
    "copies, previews, several servers",
  ],
  [/\/executions\/\{}$/, "no backup is taken, so none can be deleted"],
];

/** Played at 4.3.11, and not published. */
const unpublished: [RegExp, string][] = [
  [/^GET .*\/(start|stop|restart|validate|deploy|enable|disable)$/, "GET answers 405 since 4.2: routes/api.php"],
  [/^GET \/applications\/\{}\/destinations$/, "published without an answer"],
  [/^GET \/teams\/current/, "deprecated names of /team: routes/api.php"],
];

/** Published wrongly: what the code at 379abb2 does instead. */
const knownWrong: Record<string, string> = {
  "GET /deployments/applications/{}": "{count, deployments} (coollabsio/coolify#5874)",
  "POST /databases/postgresql": "201 with uuid and URLs: DatabasesController.php",
  "POST /databases/redis": "201 with uuid and URLs: DatabasesController.php",
  "GET /applications": "settings are loaded for one application only: ApplicationsController.php",
  "PATCH /servers/{}": "only {uuid}: ServersController.php",
};

/** Properties that the handlers hide, or that were never columns. */
const hidden: Record<string, string> = {
  Application: "id",
  ApplicationDeploymentQueue: "configuration_diff configuration_snapshot",
  EnvironmentVariable: "id resourceable_id resourceable_type",
  Server:
    "high_disk_usage_notification_sent id log_drain_notification_sent proxy_type swarm_cluster unreachable_count unreachable_notification_sent validation_logs",
  ScheduledTask: "id",
  Service: "docker_compose is_container_label_readonly_enabled server_id",
  Team: "created_at custom_server_limit members updated_at",
};

interface Operation {
  status: number;
  kind: string;
}

const operations = new Map(
  publishedOperations
    .trim()
    .split("\n")
    .map((line): [string, Operation] => {
      const [method, path = "", status, ...kind] = line.split(" ");
      return [`${method} ${path.replaceAll(/\{[^}]+}/g, "{}")}`, { status: Number(status), kind: kind.join(" ") }];
    }),
);

const played = (version: string): string[] => {
  // Routes are made without being called: they need the version and the state's place only.
  const coolify = { version: new Version(version), store: { state: {} } } as unknown as Coolify;
  return routes(coolify)
    .filter(({ since }) => since === undefined || coolify.version.atLeast(since))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:[a-z]+/g, "{}")}`);
};

const reasonFor = (list: [RegExp, string][], operation: string) =>
  list.find(([pattern]) => pattern.test(operation))?.[1];

describe("the stand-in beside Coolify's published API", () => {
  it("plays every published operation, but for those with a reason", () => {
    const ours = new Set(played("4.3.11"));
    const missing = [...operations.keys()].filter((one) => !ours.has(one) && one !== "GET /health");
    assert.deepEqual(
      missing.filter((one) => reasonFor(unplayed, one) === undefined),
      [],
    );
  });

  it("plays nothing of its own, but for what the routes have and the description has not", () => {
    const extra = played("4.3.11").filter((one) => !operations.has(one));
    assert.deepEqual(
      extra.filter((one) => reasonFor(unpublished, one) === undefined),
      [],
    );
  });

  describe("asked one by one", () => {
    let coolify: Playground;
    const seen = new Map<string, string>();
    before(async () => {
      coolify = await openPlayground({ version: "4.3.11" });
    });
    after(() => coolify.close());

    /** Asks an operation and compares status and form with what is published. */
    async function judge(operation: string, ids: string[] = [], body?: Fields): Promise<Fields> {
      const [method = "", template = ""] = operation.split(" ");
      const rest = [...ids];
      const answer = await coolify.ask(
        method,
        template.replaceAll("{}", () => rest.shift() ?? ""),
        body,
      );
      const published = operations.get(operation);
      assert.ok(published, operation);
      assert.ok(answer.status < 300, `${operation}: ${answer.text}`);
      const problem =
        answer.status === published.status
          ? formProblem(published.kind, answer.json, answer.text)
          : `status ${answer.status}, published ${published.status}`;
      seen.set(operation, problem ?? "");
      if (knownWrong[operation] === undefined) assert.equal(problem, undefined, `${operation}: ${answer.text}`);
      else assert.notEqual(problem, undefined, `${operation} is no longer wrong: ${knownWrong[operation]}`);
      return isFields(answer.json) ? answer.json : { list: answer.json };
    }

    function formProblem(kind: string, json: Json, text: string): string | undefined {
      if (kind === "") return undefined;
      if (kind === "text") return json === null && text !== "" ? undefined : "not text";
      if (kind.startsWith("{")) {
        const missing = kind
          .slice(1, -1)
          .split(",")
          .filter((name) => !isFields(json) || !(name in json));
        return missing.length === 0 ? undefined : `without ${missing.join()}`;
      }
      const [schema = "", isList] = kind.startsWith("list") ? [kind.replace(/^list( of )?/, ""), true] : [kind, false];
      if (isList !== Array.isArray(json)) return isList ? "not a list" : "a list";
      const items = isList ? fieldsIn(json) : isFields(json) ? [json] : [];
      const properties = publishedSchemas[schema]?.split(" ") ?? [];
      const expected = properties.filter((name) => !(hidden[schema] ?? "").split(" ").includes(name));
      const missing = expected.filter((name) => items.some((item) => !(name in item)));
      const brief = schema === "Environment" || schema === "Project" || schema === "Server" ? isList : false;
      return missing.length === 0 || brief ? undefined : `without ${missing.join()}`;
    }

    it("answers as published for projects, environments, servers and the team", async () => {
      const { uuid } = await judge("POST /projects", [], { name: "judged" });
      const project = uuid as string;
      for (const operation of [
        "GET /projects",
        "GET /version",
        "GET /teams",
        "GET /team",
        "GET /team/members",
        "GET /resources",
        "GET /tags",
      ]) {
        await judge(operation);
      }
      await judge("GET /projects/{}", [project]);
      await judge("PATCH /projects/{}", [project], { name: "renamed" });
      await judge("POST /projects/{}/environments", [project], { name: "staging" });
      await judge("GET /projects/{}/environments", [project]);
      await judge("PATCH /projects/{}/environments/{}", [project, "staging"], { name: "stage" });
      await judge("GET /projects/{}/{}", [project, "stage"]);
      await judge("DELETE /projects/{}/environments/{}", [project, "stage"]);
      await judge("DELETE /projects/{}", [project]);
      const { list } = await judge("GET /servers");
      const server = fieldsIn(list)[0]?.uuid as string;
      for (const end of ["", "/resources", "/destinations", "/proxy"]) await judge(`GET /servers/{}${end}`, [server]);
      await judge("PATCH /servers/{}", [server], { concurrent_builds: 2 });
      await judge("POST /servers/{}/validate", [server]);
      await judge("GET /teams/{}", ["0"]);
      await judge("GET /teams/{}/members", ["0"]);
    });

    it("answers as published for applications, variables, storages, tasks and tags", async () => {
      const place = await openPlace(coolify);
      const image = { docker_registry_image_name: "ghcr.io/acme/shop", autogenerate_domain: false };
      const { uuid } = await judge("POST /applications/dockerimage", [], { ...place, ...image });
      const app = [uuid as string];
      await judge("GET /applications");
      await judge("GET /applications/{}", app);
      await judge("PATCH /applications/{}", app, { name: "judged" });
      await judge("POST /applications/{}/envs", app, { key: "A", value: "1" });
      const { list } = await judge("GET /applications/{}/envs", app);
      await judge("PATCH /applications/{}/envs", app, { key: "A", value: "2" });
      await judge("PATCH /applications/{}/envs/bulk", app, { data: [{ key: "B", value: "3" }] });
      await judge("DELETE /applications/{}/envs/{}", [...app, fieldsIn(list)[0]?.uuid as string]);
      const storage = await judge("POST /applications/{}/storages", app, {
        type: "persistent",
        name: "x",
        mount_path: "/x",
      });
      await judge("GET /applications/{}/storages", app);
      await judge("PATCH /applications/{}/storages", app, {
        type: "persistent",
        uuid: storage.uuid as string,
        mount_path: "/y",
      });
      await judge("DELETE /applications/{}/storages/{}", [...app, storage.uuid as string]);
      const task = await judge("POST /applications/{}/scheduled-tasks", app, {
        name: "x",
        command: "x",
        frequency: "daily",
      });
      await judge("GET /applications/{}/scheduled-tasks", app);
      const ids = [...app, task.uuid as string];
      await judge("PATCH /applications/{}/scheduled-tasks/{}", ids, { name: "y" });
      await judge("GET /applications/{}/scheduled-tasks/{}/executions", ids);
      await judge("DELETE /applications/{}/scheduled-tasks/{}", ids);
      const tags = await judge("POST /applications/{}/tags", app, { tag_name: "blue" });
      await judge("GET /applications/{}/tags", app);
      await judge("DELETE /applications/{}/tags/{}", [...app, fieldsIn(tags.list)[0]?.uuid as string]);
      const other = await coolify.expect(201, "POST", `/projects/${place.project_uuid as string}/environments`, {
        name: "other",
      });
      await judge("POST /applications/{}/move", app, { environment_uuid: other.uuid as string });
      await judge("POST /applications/{}/stop", app);
      await judge("DELETE /applications/{}", app);
    });

    it("answers as published for deployments", async () => {
      const uuid = await addApplication(coolify, await openPlace(coolify));
      const { deployments } = await judge("POST /deploy", [], { uuid });
      const id = [fieldsIn(deployments)[0]?.deployment_uuid as string];
      await judge("GET /deployments");
      await judge("GET /deployments/{}", id);
      await judge("GET /deployments/applications/{}", [uuid]);
      await judge("GET /applications/{}/rollback-images", [uuid]);
      await judge("POST /applications/{}/start", [uuid], { force: true });
      await judge("POST /applications/{}/rollback", [uuid], { commit: "1.0" });
    });

    it("answers as published for databases, backups, S3 storages and services", async () => {
      const place = await openPlace(coolify);
      const { uuid } = await judge("POST /databases/postgresql", [], place);
      await judge("POST /databases/redis", [], place);
      const database = [uuid as string];
      await judge("GET /databases");
      await judge("GET /databases/{}", database);
      await judge("PATCH /databases/{}", database, { name: "judged" });
      await judge("POST /databases/{}/envs", database, { key: "A", value: "1" });
      await judge("PATCH /databases/{}/envs", database, { key: "A", value: "2" });
      await judge("PATCH /databases/{}/envs/bulk", database, { data: [{ key: "B", value: "2" }] });
      const backup = await judge("POST /databases/{}/backups", database, { frequency: "daily" });
      const ids = [...database, backup.uuid as string];
      await judge("GET /databases/{}/backups", database);
      await judge("PATCH /databases/{}/backups/{}", ids, { frequency: "weekly" });
      await judge("GET /databases/{}/backups/{}/executions", ids);
      await judge("DELETE /databases/{}/backups/{}", ids);
      await judge("POST /databases/{}/restart", database);
      await judge("DELETE /databases/{}", database);
      const storage = { endpoint: "https://s3.example.com", bucket: "judged", region: "x", key: "k", secret: "s" };
      const { uuid: s3 } = await judge("POST /s3-storages", [], { name: "judged", ...storage });
      await judge("GET /s3-storages");
      await judge("GET /s3-storages/{}", [s3 as string]);
      await judge("PATCH /s3-storages/{}", [s3 as string], { region: "y" });
      await judge("DELETE /s3-storages/{}", [s3 as string]);
      const compose = Buffer.from("services: {web: {image: nginx}}").toString("base64");
      const { uuid: service } = await judge("POST /services", [], { ...place, docker_compose_raw: compose });
      await judge("GET /services");
      await judge("GET /services/{}", [service as string]);
      await judge("PATCH /services/{}", [service as string], { name: "x" });
      await judge("POST /services/{}/envs", [service as string], { key: "A", value: "1" });
      await judge("DELETE /services/{}", [service as string]);
    });

    it("has asked every operation that it calls wrongly published", () => {
      assert.deepEqual(
        Object.keys(knownWrong).filter((operation) => !seen.has(operation)),
        [],
      );
    });
  });
});
