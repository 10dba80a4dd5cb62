import assert from "node:assert/strict";
import { isSecret } from "@pulumi/pulumi";
import { DatabaseRoles } from "../../components/database-roles.ts";
import { deploy, mockEngine, valueOf } from "../pulumi.ts";
import { specOf } from "./placement.ts";

const answer = {
  "roles-apply": { stdout: '{"roles":["affexai_migrator","affexai_app","affexai_backup"],"serverVersion":160003}' },
};

describe("the database's roles", () => {
  it("are three, each with a password of its own, made by the administrator", async () => {
    const engine = await mockEngine({ outputs: answer });
    await deploy(
      () => new DatabaseRoles("roles", { adminUrl: "postgresql://root:pw@pg:5432/affexai", database: "affexai" }),
    );
    assert.deepEqual(engine.shape(), [
      "affexai:database:DatabaseRoles$command:local:Command::roles-apply",
      "affexai:database:DatabaseRoles$random:index/randomPassword:RandomPassword::roles-app-password",
      "affexai:database:DatabaseRoles$random:index/randomPassword:RandomPassword::roles-backup-password",
      "affexai:database:DatabaseRoles$random:index/randomPassword:RandomPassword::roles-migrator-password",
      "affexai:database:DatabaseRoles::roles",
    ]);
    const command = engine.named("roles-apply");
    assert.deepEqual(specOf(command), {
      owner: "roles",
      database: "affexai",
      migrator: "affexai_migrator",
      app: "affexai_app",
      backup: "affexai_backup",
    });
    assert.deepEqual(command.inputs["environment"], {
      ADMIN_DATABASE_URL: "postgresql://root:pw@pg:5432/affexai",
      MIGRATOR_PASSWORD: "generated-roles-migrator-password",
      APP_PASSWORD: "generated-roles-app-password",
      BACKUP_PASSWORD: "generated-roles-backup-password",
    });
    assert.deepEqual(engine.named("roles").secrets, ["adminUrl"]);
  });

  it("are made through an ssh server where there is one, whose address is no secret", async () => {
    const engine = await mockEngine({ outputs: answer });
    const ssh = "ssh://deploy@coolify.example:22?hostkey=SHA256%3Ax";
    await deploy(
      () => new DatabaseRoles("roles", { adminUrl: "postgresql://root:pw@pg:5432/affexai", database: "affexai", ssh }),
    );
    const { environment } = engine.named("roles-apply").inputs;
    assert.deepEqual(environment, {
      DATABASE_SSH: ssh,
      ADMIN_DATABASE_URL: "postgresql://root:pw@pg:5432/affexai",
      MIGRATOR_PASSWORD: "generated-roles-migrator-password",
      APP_PASSWORD: "generated-roles-app-password",
      BACKUP_PASSWORD: "generated-roles-backup-password",
    });
  });

  it("reach the server that the administrator reaches, with its parameters, as secrets", async () => {
    await mockEngine({ outputs: answer });
    const roles = await deploy(
      () =>
        new DatabaseRoles("roles", {
          adminUrl: "postgresql://root:p%40ss@db.example.com:6432/postgres?sslmode=verify-full",
          database: "affexai",
        }),
    );
    assert.equal(
      await valueOf(roles.appUrl),
      "postgresql://affexai_app:generated-roles-app-password@db.example.com:6432/affexai?sslmode=verify-full",
    );
    for (const url of [roles.appUrl, roles.migratorUrl, roles.backupUrl]) assert.equal(await isSecret(url), true);
    assert.equal(roles.app, "affexai_app");
  });
});
