import assert from "node:assert/strict";
import ssh2 from "ssh2";
import { sshTarget } from "../../../operations/database/ssh-target.ts";
import { OperationError } from "../../../operations/error.ts";
import { keyPair } from "./support/ssh-server.ts";

describe("DATABASE_SSH", () => {
  const key = keyPair();
  const pin = "SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDTPtWkFSvbMhMpsk8";
  const other = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

  it("is taken apart, with every pinned host key", () => {
    assert.deepEqual(
      sshTarget({
        DATABASE_SSH: `ssh://deploy@coolify.example:2222?hostkey=${pin}&hostkey=${other}=&container=docker`,
        DATABASE_SSH_KEY: key.private.trim(),
      }),
      {
        host: "coolify.example",
        port: 2222,
        user: "deploy",
        hostKeys: [pin, other],
        container: "docker",
        privateKey: `${key.private.trim()}\n`,
      },
    );
  });

  it("has ssh's own port and knows the database by its name unless it says otherwise", () => {
    const { port, container } = sshTarget({
      DATABASE_SSH: `ssh://deploy@coolify.example?hostkey=${pin}`,
      DATABASE_SSH_KEY: key.private,
    });
    assert.deepEqual({ port, container }, { port: 22, container: null });
  });

  const good = `ssh://deploy@coolify.example?hostkey=${pin}`;
  const locked = ssh2.utils.generateKeyPairSync("ed25519", {
    passphrase: "a-passphrase",
    cipher: "aes256-ctr",
    rounds: 16,
  });
  for (const [title, ssh, env, problem] of [
    ["is not a URL", "coolify.example", { DATABASE_SSH_KEY: key.private }, /is not a URL/],
    [
      "pins nothing",
      "ssh://deploy@coolify.example:2222",
      { DATABASE_SSH_KEY: key.private },
      /pins no host key: run `ssh-keyscan -t ed25519 -p 2222 coolify\.example \| ssh-keygen -lf -`/,
    ],
    [
      "has several faults, all at once",
      "http://u:secret-1@h/p?hostkey=MD5:aa&container=podman&x=1",
      {},
      /has the scheme http:, holds a password, which is never used, has a path, has the parameter x, has a container that is not docker, has hostkey=MD5:aa, comes without a key/,
    ],
    ["comes without a key", good, {}, /without a key: set DATABASE_SSH_KEY or DATABASE_SSH_KEY_FILE/],
    [
      "comes with two keys",
      good,
      { DATABASE_SSH_KEY: key.private, DATABASE_SSH_KEY_FILE: "/x" },
      /comes with two keys/,
    ],
    ["comes with a public key", good, { DATABASE_SSH_KEY: key.public }, /a public key instead of the private one/],
    ["comes with something else", good, { DATABASE_SSH_KEY: "not-a-key" }, /no private key in OpenSSH or PEM format/],
    ["comes with a locked key", good, { DATABASE_SSH_KEY: locked.private }, /a key that has a passphrase/],
    ["comes with a file that is not there", good, { DATABASE_SSH_KEY_FILE: "/nowhere/key" }, /cannot be read \(ENOENT/],
  ] as const) {
    it(`is refused when it ${title}`, () => {
      assert.throws(
        () => sshTarget({ DATABASE_SSH: ssh, ...env }),
        (error) => {
          assert.ok(error instanceof OperationError);
          assert.equal(error.kind, "usage");
          assert.match(error.message, problem);
          for (const secret of ["secret-1", "not-a-key", ...key.private.split("\n").filter((line) => line.length > 40)])
            assert.ok(!error.message.includes(secret));
          return true;
        },
      );
    });
  }
});
