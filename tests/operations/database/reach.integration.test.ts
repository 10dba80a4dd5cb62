import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { databaseAccess } from "../../../operations/database/access.ts";
import { connect, libpqEnvironment } from "../../../operations/database/connection.ts";
import { throughTunnel } from "../../../operations/database/reach.ts";
import type { Context } from "../../../operations/verb.ts";
import { waitFor } from "../../../operations/wait.ts";
import { rejected } from "./support/migration.ts";
import type { Environment } from "./support/platform.ts";
import { privateDatabase, whoAmI, type PrivateDatabase } from "./support/private-database.ts";
import { keyPair, type SshServer } from "./support/ssh-server.ts";
import { turnTlsOn } from "./support/tls.ts";

describe("a private database, reached by ssh", () => {
  let database: PrivateDatabase;
  let ssh: SshServer;
  let place: Environment;

  before(async function () {
    const started = await privateDatabase();
    if (started === null) return this.skip();
    database = started;
    ({ ssh, place } = database);
  });

  after(() => ssh?.close());

  it("answers by its container's name, and nothing of the way there is left", async () => {
    // Scratch databases are where this machine runs them, whatever the way to the live one.
    const scratch = "postgres://me@127.0.0.1:5999/scratch";
    const context = database.context({ DRILL_DATABASE_URL: scratch, REHEARSAL_DATABASE_URL: scratch });
    await rejected(whoAmI(context), "unreachable", /ENOTFOUND|EAI_AGAIN/);
    const seen = await throughTunnel(context, async (reached) => {
      assert.equal(reached.env.DATABASE_SSH_KEY, undefined);
      const { DRILL_DATABASE_URL, REHEARSAL_DATABASE_URL } = reached.env;
      assert.deepEqual([DRILL_DATABASE_URL, REHEARSAL_DATABASE_URL], [scratch, scratch]);
      const users = await Promise.all([whoAmI(reached), whoAmI(reached), whoAmI(reached)]);
      assert.equal((await ssh.sessions()).length > 0, true);
      return users;
    });
    assert.deepEqual(seen, [place.roles.migrator, place.roles.migrator, place.roles.migrator]);
    await database.noSessions();
  });

  it("is found at its new address when its container was started anew", async () => {
    const address = join(ssh.programs, "address");
    // The first address, where nothing listens, is kept until it fails once more.
    await writeFile(address, "127.0.0.9");
    try {
      await throughTunnel(database.context(), async (reached) => {
        await rejected(whoAmI(reached), "unreachable");
        await writeFile(address, "127.0.0.1");
        assert.equal(await whoAmI(reached), place.roles.migrator);
      });
    } finally {
      await rm(address);
    }
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
      await rejected(throughTunnel(database.context(changes()), whoAmI), kind, pattern);
    });
  }

  it("is refused where the key may not forward there, and nothing falls back to the direct way", async () => {
    const DATABASE_SSH_KEY = await ssh.authorise('restrict,port-forwarding,permitopen="127.0.0.1:1"');
    const context = place.context({ env: { ...place.env, ...ssh.env, DATABASE_SSH_KEY } });
    await rejected(throughTunnel(context, whoAmI), "refused", /forwarding to 127\.0\.0\.1:\d+ is forbidden there/);
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
    await database.noSessions();
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
      const client = await connect(access, { applicationName: "a-test" });
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
