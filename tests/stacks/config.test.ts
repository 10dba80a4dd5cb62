import assert from "node:assert/strict";
import { RunError } from "@pulumi/pulumi";
import { loadConfig } from "../../stacks/config.ts";
import { mockEngine, valueOf } from "../pulumi.ts";
import { configure, productionSecrets, secretsOf, stackFile } from "./stack-file.ts";

/** The lines of the report, without its head. */
function problems(stack = "staging"): string[] {
  try {
    loadConfig();
  } catch (error) {
    assert.ok(error instanceof RunError);
    const [head, ...lines] = error.message.split("\n");
    const count = lines.length === 1 ? "1 problem" : `${lines.length} problems`;
    assert.equal(head, `Pulumi.${stack}.yaml has ${count}; nothing was touched.`);
    return lines.map((line) => line.trim());
  }
  return [];
}

describe("the configuration", () => {
  for (const stack of ["sandbox", "staging", "production"]) {
    it(`of ${stack} is well-formed as it stands in the repository`, async () => {
      await mockEngine({ stack });
      configure(await stackFile(stack), secretsOf(stack));
      const config = loadConfig();
      assert.equal(config.environment, stack);
      assert.equal(config.behaviour.tls, stack !== "sandbox");
      assert.equal(config.behaviour.synchronize, false);
    });
  }

  it("keeps secrets as secret outputs", async () => {
    await mockEngine({ stack: "production" });
    configure(await stackFile("production"), productionSecrets);
    const url = loadConfig().secrets.databaseAdminUrl;
    assert.ok(url !== undefined);
    assert.equal(await valueOf(url), productionSecrets["affexai:databaseAdminUrl"]);
    assert.equal(await (url as unknown as { isSecret: Promise<boolean> }).isSecret, true);
  });

  it("is refused in a shell with the sandbox's environment, unless the stack is the sandbox's", async () => {
    const env = { AFFEXAI_SANDBOX_DIR: "/repository/.sandbox" };
    await mockEngine({ stack: "staging" });
    for (const file of ["staging", "sandbox"]) {
      configure(await stackFile(file), secretsOf(file));
      assert.throws(() => loadConfig(env), /has the sandbox's environment.* stack staging is not .*new shell/);
      loadConfig({});
    }
    await mockEngine({ stack: "sandbox" });
    configure(await stackFile("sandbox"));
    assert.equal(loadConfig(env).environment, "sandbox");
  });

  it("leaves the keys of providers alone", async () => {
    await mockEngine({ stack: "staging" });
    configure(
      { ...(await stackFile("staging")), "aws:region": "us-east-1", "aws:unheard": "of" },
      secretsOf("staging"),
    );
    assert.deepEqual(problems(), []);
  });

  const without = (config: Record<string, unknown>, key: string) =>
    Object.fromEntries(Object.entries(config).filter(([name]) => name !== key));
  const table: [string, (config: Record<string, unknown>) => Record<string, unknown>, string[]][] = [
    [
      "a missing setting",
      (config) => without(config, "affexai:server"),
      ["affexai:server is missing. Give the server's name or uuid in Coolify."],
    ],
    [
      "a missing part of a setting",
      (config) => ({ ...config, "affexai:routes": { backend: "api.affexai.com" } }),
      ["affexai:routes.frontend must be of type string. Give the public host names of backend and frontend."],
    ],
    [
      "an unknown setting",
      (config) => ({ ...config, "affexai:sever": "x" }),
      [
        "affexai:sever is not a setting. Remove it or correct its name; there are environment, server, destination, team, registry, routes, storage, " +
          "database, cache, migrations, tools, features, github, databaseAdminUrl, cacheUrl, agentCoolifyToken, backupIdentity, pageUrl.",
      ],
    ],
    [
      "an unknown part of a setting",
      (config) => ({ ...config, "affexai:routes": { backend: "a.b", frontend: "b.c", fronted: "x" } }),
      ["affexai:routes has unknown fronted. Give the public host names of backend and frontend."],
    ],
    [
      "an environment that is not deployed",
      (config) => ({ ...config, "affexai:environment": "development" }),
      [
        "affexai:environment must be sandbox or staging or production. Say which row of stacks/environments.ts this stack follows.",
      ],
    ],
    [
      "a URL for a host name",
      (config) => ({ ...config, "affexai:routes": { backend: "https://api.affexai.com", frontend: "affexai.com" } }),
      [
        "affexai:routes.backend must be a host name in lower case, without a scheme. Give the public host names of backend and frontend.",
      ],
    ],
    [
      "one host for both applications",
      (config) => ({ ...config, "affexai:routes": { backend: "affexai.com", frontend: "affexai.com" } }),
      ["affexai:routes.frontend is the backend's host too. Give each its own host name."],
    ],
    [
      "one bucket for backups and uploads",
      (config) => ({
        ...config,
        "affexai:storage": { region: "eu-central-1", backupBucket: "affexai", mediaBucket: "affexai" },
      }),
      [
        "affexai:storage.mediaBucket is the backup bucket. Give uploads a bucket of their own: the application may delete in it.",
      ],
    ],
    [
      "a public port outside the sandbox",
      (config) => ({ ...config, "affexai:routes": { backend: "a.b", frontend: "b.c", publicPort: 8080 } }),
      ["affexai:routes.publicPort is set. Leave it out: users come by 443."],
    ],
    [
      "a port that is none",
      (config) => ({ ...config, "affexai:routes": { backend: "a.b", frontend: "b.c", publicPort: 70_000 } }),
      [
        "affexai:routes.publicPort must be a port between 1 and 65535. Give the public host names of backend and frontend.",
      ],
    ],
    [
      "unpacked images outside the sandbox",
      (config) => ({
        ...config,
        "affexai:migrations": { ...(config["affexai:migrations"] as object), imageRuntime: "unpacked" },
      }),
      ["affexai:migrations.imageRuntime is unpacked. Use docker: only the sandbox runs images on this machine's Node."],
    ],
    [
      "an external database without its URL",
      (config) => ({ ...config, "affexai:database": { kind: "external", name: "affexai" } }),
      [
        "affexai:databaseAdminUrl is missing. It is the external PostgreSQL, as a superuser: " +
          "pulumi config set --secret affexai:databaseAdminUrl --stack staging",
      ],
    ],
    [
      "a secret that nothing uses, in plain text",
      (config) => ({ ...config, "affexai:cacheUrl": "rediss://u:hunter2@h/0" }),
      [
        "affexai:cacheUrl is set but nothing uses it. It is the external Redis: remove it.",
        "affexai:cacheUrl is not encrypted. Set it with: pulumi config set --secret affexai:cacheUrl --stack staging",
      ],
    ],
    [
      "a database image without a tag",
      (config) => ({ ...config, "affexai:database": { kind: "coolify", name: "affexai", image: "postgres" } }),
      [
        "affexai:database.image must be an image with a tag. Say kind: coolify with name and image, or kind: external with name; and reach, where it is not direct: kind: ssh with host, user and hostKeys.",
      ],
    ],
    [
      "backups by the clock without an agent to take them",
      (config) => Object.fromEntries(Object.entries(config).filter(([key]) => key !== "affexai:tools")),
      [
        "affexai:agentCoolifyToken is set but nothing uses it. It is a token of Coolify with the abilities read and deploy: remove it.",
        "affexai:tools names no image, and this environment's backups are taken by the clock. Give the image that the agent runs, by digest.",
      ],
    ],
    [
      "an agent that could not end maintenance",
      (config) => ({ ...config, "affexai:tools": { image: (config["affexai:tools"] as { image: string }).image } }),
      [
        "affexai:agentCoolifyToken is set but nothing uses it. It is a token of Coolify with the abilities read and deploy: remove it.",
        "affexai:tools.coolifyUrl is missing, so the agent could lift a freeze and not the page that tells users of it. " +
          "Give the address at which containers reach Coolify.",
      ],
    ],
    [
      "an agent that should page, without the address",
      (config) => ({ ...config, "affexai:tools": { ...(config["affexai:tools"] as object), pages: true } }),
      [
        "affexai:pageUrl is missing. It is the address that pages are posted to: " +
          "pulumi config set --secret affexai:pageUrl --stack staging",
      ],
    ],
    [
      "too many reviewers",
      (config) => ({
        ...config,
        "affexai:github": { owner: "o", repository: "r", reviewers: [1, 2, 3, 4, 5, 6, 7], branches: ["main"] },
      }),
      [
        "affexai:github.reviewers must be at most 6: GitHub takes no more. Give owner, repository, reviewers (numeric user ids) and branches.",
      ],
    ],
  ];
  for (const [what, bend, expected] of table) {
    it(`reports ${what}`, async () => {
      await mockEngine({ stack: "staging" });
      configure(bend(await stackFile("staging")), secretsOf("staging"));
      assert.deepEqual(problems(), expected);
    });
  }

  it("reports everything that is wrong with a file at once, and no value", async () => {
    await mockEngine({ stack: "production" });
    configure({
      "affexai:environment": "production",
      "affexai:registry": "hunter2hunter2",
      "affexai:github": { owner: "o", repository: "r", reviewers: [], branches: ["main"] },
      "affexai:databaseAdminUrl": "postgresql://root:hunter2hunter2@db/x",
      "affexai:typo": "hunter2hunter2",
    });
    const found = problems("production");
    assert.deepEqual(
      found.map((line) => line.split(" ")[0]),
      [
        ...["server", "registry", "routes", "storage", "database", "cache", "migrations", "features"],
        ...["typo", "databaseAdminUrl", "databaseAdminUrl", "tools", "github.reviewers"],
      ].map((key) => `affexai:${key}`),
    );
    assert.ok(!found.join("\n").includes("hunter2"));
  });
});
