import { databaseAccess } from "../../../operations/database/access.ts";
import { refuseWhileBusy } from "../../../operations/migration/refuse-while-busy.ts";
import { rejected } from "../database/support/migration.ts";
import { environment } from "../database/support/platform.ts";

describe("a migration on tables that are in use", () => {
  it("is refused while an old transaction has one of them, and names it", async () => {
    const place = await environment();
    await place.sql("migrator", "CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE pages (id int)");
    const report = await place.connect("app");
    await report.query("SET application_name = 'a-report'");
    await report.query("BEGIN");
    await report.query("SELECT count(*) FROM users");
    const begin = (statement: string, { seconds = 0, kind = "SAFE" as const, ending = [] as string[] } = {}) =>
      refuseWhileBusy(
        {
          ...{ access: databaseAccess(place.env, "DATABASE_URL"), applicationName: "affexai-test", ending },
          pending: [{ statements: [statement], class: kind }],
        },
        seconds,
      );
    const text =
      /public\.users: \w+_app \(a-report, pid \d+\), idle in transaction, its transaction is \d+ s old: SELECT count\(\*\) FROM users/;
    await rejected(begin("ALTER TABLE users ADD a int"), "refused", text, /nothing was touched/);
    await rejected(begin("DROP INDEX users_pkey"), "refused", text);
    await rejected(begin("DO $$ BEGIN END $$"), "refused", text);
    await begin("ALTER TABLE users ADD a int", { seconds: 60 });
    await begin("ALTER TABLE users ADD a int", { ending: [place.roles.app] });
    await begin("ALTER TABLE pages ADD a int");
    await begin("UPDATE users SET id = id");
    await report.end();
    await begin("ALTER TABLE users ADD a int");
  });
});
