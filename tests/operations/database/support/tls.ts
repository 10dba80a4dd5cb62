import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { waitFor } from "../../../../operations/wait.ts";
import { unprivilegedUser } from "../../../../sandbox/processes/unprivileged.ts";
import { cleanUpLater } from "../../../clean-up.ts";
import type { Environment } from "./platform.ts";

/** Has the server of the tests speak TLS as `localhost`. Returns its certificate's file, or null where no certificate can be made. */
export async function turnTlsOn(place: Environment): Promise<string | null> {
  const dir = await mkdtemp(join(tmpdir(), "affexai-certificates-"));
  cleanUpLater(() => rm(dir, { recursive: true, force: true }));
  await chmod(dir, 0o755);
  const [key, certificate] = [join(dir, "server.key"), join(dir, "server.crt")];
  const { failed } = await execa(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"],
      ...["-keyout", key, "-out", certificate, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
    ],
    { reject: false },
  );
  if (failed) return null;
  const user = await unprivilegedUser(["postgres"]);
  if (user !== undefined) await chown(key, user.uid, user.gid);
  await place.sql("admin", `ALTER SYSTEM SET ssl_key_file = '${key}'`);
  await place.sql("admin", `ALTER SYSTEM SET ssl_cert_file = '${certificate}'`);
  await place.sql("admin", "ALTER SYSTEM SET ssl = on");
  await place.sql("admin", "SELECT pg_reload_conf()");
  await waitFor(
    {
      what: "the server speaks TLS",
      timeoutMs: 10_000,
      intervalMs: 20,
      next: "Read its log.",
      async look() {
        const [row] = await place.sql<{ ssl: string }>("admin", "SHOW ssl");
        return row?.ssl === "on" ? { done: true, value: true } : { done: false, seen: "plain text" };
      },
    },
    place.context(),
  );
  return certificate;
}
