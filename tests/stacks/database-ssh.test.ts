import assert from "node:assert/strict";
import { sshTarget } from "../../operations/database/ssh-target.ts";
import { databaseSsh } from "../../stacks/database-ssh.ts";
import { settings } from "../../stacks/settings.ts";
import { keyPair } from "../operations/database/support/ssh-server.ts";

describe("a stack's way to its database", () => {
  const hostKeys = [
    "SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDTPtWkFSvbMhMpsk8",
    "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
  ];
  const reach = { kind: "ssh", host: "coolify.example", user: "deploy", hostKeys };

  it("is direct unless it says otherwise", () => {
    for (const more of [{}, { reach: { kind: "direct" } }])
      assert.equal(databaseSsh(settings.database.parse({ kind: "external", name: "affexai", ...more })), undefined);
  });

  it("is what the verbs understand, and asks Docker for a database on Coolify", () => {
    const { private: DATABASE_SSH_KEY } = keyPair();
    for (const [database, container] of [
      [{ kind: "external", name: "affexai", reach }, null],
      [{ kind: "coolify", name: "affexai", image: "postgres:16", reach: { ...reach, port: 2222 } }, "docker"],
    ] as const) {
      const DATABASE_SSH = databaseSsh(settings.database.parse(database));
      const target = sshTarget({ DATABASE_SSH, DATABASE_SSH_KEY });
      assert.deepEqual(target.hostKeys, hostKeys);
      assert.deepEqual(
        [target.user, target.host, target.port],
        ["deploy", "coolify.example", container === null ? 22 : 2222],
      );
      assert.equal(target.container, container);
    }
  });

  it("pins at least one host key, as ssh-keygen prints it", () => {
    for (const wrong of [[], ["MD5:aa"]]) {
      const { success } = settings.database.safeParse({
        kind: "external",
        name: "affexai",
        reach: { ...reach, hostKeys: wrong },
      });
      assert.equal(success, false);
    }
  });
});
