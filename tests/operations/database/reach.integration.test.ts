import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListMultipartUploadsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { execa } from "execa";
import { anonymise } from "../../../operations/anonymise/anonymise.ts";
import { AnonymiseSpec } from "../../../operations/anonymise/spec.ts";
import { createBackup } from "../../../operations/backup/create.ts";
import { drillBackup } from "../../../operations/backup/drill.ts";
import { dropKept, listKept } from "../../../operations/backup/kept.ts";
import { restoreBackup } from "../../../operations/backup/restore.ts";
import { salvage } from "../../../operations/backup/salvage.ts";
import { verifyBackup } from "../../../operations/backup/verify.ts";
import { databaseAccess } from "../../../operations/database/access.ts";
import { connect, libpqEnvironment, withConnection } from "../../../operations/database/connection.ts";
import { freezeOn, freezeStatus } from "../../../operations/database/freeze-verbs.ts";
import { throughTunnel } from "../../../operations/database/reach.ts";
import { applyRoles } from "../../../operations/database/roles.ts";
import { DatabaseVerifySpec } from "../../../operations/database/spec.ts";
import { verifyDatabase } from "../../../operations/database/verify.ts";
import { readTarget } from "../../../operations/migration/plan-release.ts";
import { resumeDeadRun } from "../../../operations/migration/resume.ts";
import { objectStorage } from "../../../operations/storage.ts";
import type { Context } from "../../../operations/verb.ts";
import { waitFor } from "../../../operations/wait.ts";
import { besides, sampleSchema } from "../backup/support/sample.ts";
import { record } from "../../release-record.ts";
import { application } from "./support/application.ts";
import { createBackupBucket } from "./support/bucket.ts";
import { migrate, rejected } from "./support/migration.ts";
import { environment, type Environment } from "./support/platform.ts";
import { findSshd, keyPair, startSshServer, type SshServer } from "./support/ssh-server.ts";
import { turnTlsOn } from "./support/tls.ts";

/** A name that only the ssh server's Docker knows: whatever reaches it went through the tunnel. */
const container = "q8sw0k4cg0w8ok4k";
/** Answers as `docker inspect` of a container in Coolify's network does. */
const docker = `
for name; do :; done
address=$(cat "$(dirname "$0")/address" 2>/dev/null || echo 127.0.0.1)
if [ "$1 $name" = "inspect ${container}" ]; then echo '{"coolify":{"IPAddress":"'$address'","GlobalIPv6Address":""}}'
else echo "Error: No such container: $name" >&2; exit 1; fi`;
const options = { applicationName: "a-test" };

describe("a private database, reached by ssh", () => {
  let ssh: SshServer;
  let place: Environment;

  before(async function () {
    const sshd = process.platform === "linux" ? await findSshd() : null;
    if (sshd === null) {
      process.stderr.write("    pending: sshd was not found; install openssh-server to run these tests\n");
      return this.skip();
    }
    ssh = await startSshServer(sshd, { docker });
    place = await environment();
  });

  after(() => ssh?.close());

  /** The environment with the database's host replaced by the container's name, and the way to it. */
  const privately = (changes: Record<string, string> = {}, of = place): Context => {
    const hosts: Record<string, string> = {};
    for (const [name, url] of Object.entries(of.env))
      if (name.endsWith("DATABASE_URL")) hosts[name] = url.replace("@127.0.0.1:", `@${container}:`);
    const env = { ...of.env, ...hosts, ...ssh.env };
    return of.context({ env: { ...env, DATABASE_SSH: `${env.DATABASE_SSH}&container=docker`, ...changes } });
  };
  const ask = (context: Context) =>
    withConnection(databaseAccess(context.env, "DATABASE_URL"), options, async (client) => {
      const { rows } = await client.query<{ user: string }>("SELECT current_user::text AS user");
      return rows[0]?.user;
    });
  const noSessions = () =>
    waitFor(
      {
        what: "the ssh server has no connections",
        timeoutMs: 10_000,
        intervalMs: 20,
        next: "See what holds them.",
        async look() {
          const left = await ssh.sessions();
          return left.length === 0 ? { done: true, value: true } : { done: false, seen: left.join() };
        },
      },
      place.context(),
    );

  it("answers by its container's name, and nothing of the way there is left", async () => {
    // Scratch databases are where this machine runs them, whatever the way to the live one.
    const scratch = "postgres://me@127.0.0.1:5999/scratch";
    const context = privately({ DRILL_DATABASE_URL: scratch, REHEARSAL_DATABASE_URL: scratch });
    await rejected(ask(context), "unreachable", /ENOTFOUND|EAI_AGAIN/);
    const seen = await throughTunnel(context, async (reached) => {
      assert.equal(reached.env.DATABASE_SSH_KEY, undefined);
      const { DRILL_DATABASE_URL, REHEARSAL_DATABASE_URL } = reached.env;
      assert.deepEqual([DRILL_DATABASE_URL, REHEARSAL_DATABASE_URL], [scratch, scratch]);
      const users = await Promise.all([ask(reached), ask(reached), ask(reached)]);
      assert.equal((await ssh.sessions()).length > 0, true);
      return users;
    });
    assert.deepEqual(seen, [place.roles.migrator, place.roles.migrator, place.roles.migrator]);
    await noSessions();
  });

  it("is found at its new address when its container was started anew", async () => {
    const address = join(ssh.programs, "address");
    // The first address, where nothing listens, is kept until it fails once more.
    await writeFile(address, "127.0.0.9");
    try {
      await throughTunnel(privately(), async (reached) => {
        await rejected(ask(reached), "unreachable");
        await writeFile(address, "127.0.0.1");
        assert.equal(await ask(reached), place.roles.migrator);
      });
    } finally {
      await rm(address);
    }
  });

  it("takes roles, a guarded migration, a backup, its verification and a restore with its swap", async () => {
    await throughTunnel(privately(), async (context) => {
      const { name, roles, bucket } = place;
      await applyRoles.run({ owner: "test", database: name, ...roles }, context);
      const app = await application({
        migrations: [
          {
            name: "Create1760000000000",
            up: [
              "CREATE TABLE pages (id int PRIMARY KEY, body text NOT NULL)",
              "INSERT INTO pages SELECT n, 'page ' || n FROM generate_series(1, 100) n",
            ],
          },
        ],
      });
      const record = await app.record(context);
      const { outcome } = await migrate({ ...place, context: () => context }, app, record);
      assert.equal(outcome, "migrated");
      const target = { bucket, environment: "test" };
      const { id, rows } = await createBackup.run({ ...target, reason: "manual" }, context);
      assert.equal(rows, 101);
      assert.equal((await verifyBackup.run({ ...target, id }, context)).verified, true);
      await place.sql("migrator", "TRUNCATE pages");
      const restored = await restoreBackup.run({ ...target, id, dryRun: false, app: roles.app }, context);
      assert.equal(restored.swapped, true);
      assert.deepEqual(await place.sql("app", "SELECT count(*)::int AS rows FROM pages"), [{ rows: 100 }]);
    });
    await noSessions();
  });

  it("takes a plan, a verification, a freeze, a resume, a drill, an anonymised copy, and the salvage of what was replaced", async () => {
    const other = await environment();
    await other.sql("migrator", sampleSchema);
    const { app } = other.roles;
    const target = { bucket: other.bucket, environment: "test" };
    const staging = `staging-${other.name}`;
    await createBackupBucket(other.env, staging);
    const out = await mkdtemp(join(tmpdir(), "affexai-reach-"));
    await throughTunnel(privately({ ANONYMISE_KEY: "k".repeat(32) }, other), async (context) => {
      const plan = await readTarget({ targets: target }, "migrations", context);
      assert.deepEqual([plan.history.length, plan.holdsData, plan.running], [1, true, null]);

      const { id } = await createBackup.run({ ...target, reason: "manual" }, context);
      const spec = { ledger: target, record: { ...record, contract: {} }, protectedTables: [], amcheck: true };
      const verified = await verifyDatabase.run(DatabaseVerifySpec.parse(spec), context);
      assert.deepEqual([verified.backup, verified.tables.length], [id, 4]);
      assert.deepEqual(
        verified.findings.filter(({ check }) => check === "pages"),
        [],
      );

      assert.equal((await freezeOn.run({ app, minutes: 0.0001 }, context)).frozen, true);
      const resumed = await resumeDeadRun.run({ ledger: target, app }, context);
      assert.deepEqual([resumed.state, resumed.unfrozen], ["resumed", true]);
      assert.equal((await freezeStatus.run({ app }, context)).frozen, false);

      assert.deepEqual([(await drillBackup.run(target, context)).id, await besides(other)], [id, []]);

      const rules = {
        version: 1,
        tables: Object.fromEntries(["users", "pages", "visits"].map((one) => [one, "truncate"])),
      };
      const to = { bucket: staging, environment: "staging" };
      const copy = await anonymise.run(AnonymiseSpec.parse({ from: target, to, rules }), context);
      assert.deepEqual([copy.from, copy.rows], [id, 1]);

      await other.sql("app", "INSERT INTO users (email) VALUES ('late@example.com')");
      const { kept } = await restoreBackup.run({ ...target, id, dryRun: false, app }, context);
      assert.ok(kept !== null);
      const { tables } = await salvage.run({ from: kept, out: join(out, "csv") }, context);
      assert.equal(tables.find(({ table }) => table === "public.users")?.missing, 1);
      assert.deepEqual(
        (await listKept.run({ days: 7 }, context)).kept.map(({ name }) => name),
        [kept],
      );
      assert.deepEqual((await dropKept.run({ name: kept }, context)).dropped, [kept]);
    });
    await rm(out, { recursive: true });
    await noSessions();
  });

  it("makes no backup when the tunnel is cut in the middle of the dump, says why, and is reached again", async () => {
    const other = await environment();
    await other.sql(
      "migrator",
      `CREATE TABLE heavy (id int, body text);
       ALTER TABLE heavy ALTER body SET STORAGE EXTERNAL;
       INSERT INTO heavy SELECT n, repeat(md5(n::text), 4000) FROM generate_series(1, 600) n`,
    );
    const target = { bucket: other.bucket, environment: "test" };
    const context = other.context({ env: { ...other.env, ...ssh.env } });
    const observer = await other.connect("admin");
    await throughTunnel(context, async (reached) => {
      const dump = createBackup.run({ ...target, reason: "manual" }, reached);
      const cut = waitFor(
        {
          what: "pg_dump is in the middle of the large table",
          timeoutMs: 20_000,
          intervalMs: 1,
          next: "Make the table larger.",
          async look() {
            const { rows } = await observer.query(
              "SELECT FROM pg_stat_activity WHERE datname = $1 AND state = 'active' AND query LIKE 'COPY public.heavy%'",
              [other.name],
            );
            return rows.length > 0 ? { done: true, value: await ssh.killSessions() } : { done: false, seen: "not yet" };
          },
        },
        context,
      );
      assert.ok((await cut) > 0);
      await assert.rejects(dump);
      assert.equal(await ask(reached), other.roles.migrator);
      await dump;
    }).then(
      () => assert.fail("the backup was not cut"),
      (error: unknown) => {
        assert.ok(error instanceof Error);
        assert.match(
          error.message,
          /The tunnel to it failed at .*: ssh .*@127\.0\.0\.1:\d+: the ssh (server closed the connection|connection broke)/,
        );
      },
    );
    await observer.end();
    const storage = objectStorage(other.env);
    const { KeyCount } = await storage.send(new ListObjectsV2Command({ Bucket: other.bucket }));
    const { Uploads = [] } = await storage.send(new ListMultipartUploadsCommand({ Bucket: other.bucket }));
    assert.deepEqual({ KeyCount, open: Uploads.length }, { KeyCount: 0, open: 0 });
  });

  for (const [title, changes, kind, pattern] of [
    [
      "another host key than the pinned one",
      () => ({
        DATABASE_SSH: `ssh://${ssh.user}@${ssh.host}:${ssh.port}?hostkey=${encodeURIComponent(keyPair().fingerprint)}`,
      }),
      "refused",
      /its host key is SHA256:\S+, and pinned is SHA256:\S+\. Somebody may be in between/,
    ],
    [
      "a key that the server does not know",
      () => ({ DATABASE_SSH_KEY: keyPair().private }),
      "refused",
      /it does not take the private key\. Put its public half into the authorized_keys/,
    ],
    [
      "an ssh server that is not there",
      () => ({ DATABASE_SSH: ssh.env.DATABASE_SSH.replace(`:${ssh.port}?`, ":1?") }),
      "unreachable",
      /ssh \S+@127\.0\.0\.1:1: connect ECONNREFUSED/,
    ],
    [
      "a container that Docker does not know",
      () => ({ DATABASE_URL: `postgres://u:secret-1@elsewhere:5432/x` }),
      "refused",
      /docker knows no address of container elsewhere: Error: No such container: elsewhere/,
    ],
    [
      "a name that is no container's",
      () => ({ DATABASE_URL: `postgres://u:secret-1@a%3Breboot:5432/x` }),
      "refused",
      /a%3Breboot is no name of a container/,
    ],
  ] as const) {
    it(`is refused or unreachable with its cause: ${title}`, async () => {
      await rejected(throughTunnel(privately(changes()), ask), kind, pattern);
    });
  }

  it("is refused where the key may not forward there, and nothing falls back to the direct way", async () => {
    const DATABASE_SSH_KEY = await ssh.authorise('restrict,port-forwarding,permitopen="127.0.0.1:1"');
    const context = place.context({ env: { ...place.env, ...ssh.env, DATABASE_SSH_KEY } });
    await rejected(throughTunnel(context, ask), "refused", /forwarding to 127\.0\.0\.1:\d+ is forbidden there/);
  });

  it("leaves nothing behind after kill -9, and its key is in no argument and no output", async () => {
    const marker = `kill-${place.name}`;
    const child = execa(process.execPath, [join(import.meta.dirname, "support/tunnel-child.ts"), marker], {
      env: { ...place.env, ...ssh.env },
      extendEnv: false,
      reject: false,
      all: true,
    });
    const backends = () => place.sql("admin", "SELECT FROM pg_stat_activity WHERE application_name = $1", [marker]);
    const reach = (count: number) =>
      waitFor(
        {
          what: `${count} sessions of the child`,
          timeoutMs: 20_000,
          intervalMs: 20,
          next: "See what it wrote.",
          async look() {
            const { length } = await backends();
            return length === count ? { done: true, value: true } : { done: false, seen: `${length}` };
          },
        },
        place.context(),
      );
    await reach(1);
    const argv = await readFile(`/proc/${child.pid ?? 0}/cmdline`, "utf8");
    child.kill("SIGKILL");
    const { all } = await child;
    await noSessions();
    await reach(0);
    const secrets = ssh.env.DATABASE_SSH_KEY.split("\n").filter((line) => line.length > 40);
    assert.ok(secrets.length > 3);
    for (const secret of secrets) assert.ok(!`${argv}${all}`.includes(secret));
  });

  it("has its certificate checked against its own name, not against the tunnel's end", async function () {
    const certificate = await turnTlsOn(place);
    if (certificate === null) {
      process.stderr.write("    pending: openssl could not make a certificate\n");
      return this.skip();
    }
    const named = (host: string) => {
      const url = place.env.DATABASE_URL?.replace("@127.0.0.1:", `@${host}:`) ?? "";
      const tls = `${url}?sslmode=verify-full&sslrootcert=${encodeURIComponent(certificate)}`;
      return place.context({ env: { ...place.env, ...ssh.env, DATABASE_URL: tls } });
    };
    const encrypted = async ({ env }: Context) => {
      const access = databaseAccess(env, "DATABASE_URL");
      const client = await connect(access, options);
      await client.end();
      const libpq = await libpqEnvironment(access, "a-test");
      const { stdout } = await execa("pg_dump", ["--schema-only"], { env: { ...libpq, PATH: process.env.PATH } });
      return stdout.includes("PostgreSQL database dump");
    };
    assert.equal(await throughTunnel(named("localhost"), encrypted), true);
    await rejected(
      throughTunnel(named("127.0.0.1"), encrypted),
      "unreachable",
      /IP: 127\.0\.0\.1 is not in the cert's list/,
    );
  });
});
