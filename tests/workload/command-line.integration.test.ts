import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../operations/process.ts";
import { buildFolder } from "../../sandbox/workload/build.ts";
import { builtReleases, buildLimitMs, type UnpackedImage, unpack } from "./releases.ts";
import { type Services, startServices } from "./services.ts";

describe("the workload's data source", () => {
  let services: Services;
  let image: UnpackedImage;

  before(async function () {
    this.timeout(buildLimitMs);
    const [release] = await builtReleases();
    assert.ok(release);
    [services, image] = await Promise.all([startServices(), unpack(release, "backend")]);
  });
  after(async () => {
    await services.close();
    await image.remove();
  });

  it("serves developers who migrate by TypeORM's own command line", async () => {
    const database = await services.createDatabase("command_line");
    // The image leaves the command line out; a developer has it in the workspace.
    const cli = join(buildFolder, "workspace/node_modules/typeorm/cli.js");
    // The release's own: what the workspace has compiled last is another one after a demo.
    const source = join(image.root, "dist/database/data-source.js");
    const typeorm = (command: string) =>
      run({
        file: process.execPath,
        arguments: [cli, command, "-d", source],
        env: { DATABASE_URL: database.migratorUrl },
        timeoutMs: 60_000,
      });
    await typeorm("migration:run");
    const [applied] = await database.query(`SELECT count(*)::int AS "count" FROM "migrations"`);
    await typeorm("migration:revert");
    const [reverted] = await database.query(`SELECT count(*)::int AS "count" FROM "migrations"`);
    assert.equal(Number(reverted?.["count"]), Number(applied?.["count"]) - 1);
  });
});
