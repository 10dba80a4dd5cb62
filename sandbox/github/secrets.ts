import { Hono } from "hono";
import { z } from "zod";
import type { Env, PublicKeyBody, SecretBody } from "./context.ts";
import { GithubError, notFound, readBody } from "./error.ts";
import { checkedName, maximumValueBytes } from "./names.ts";
import { paginate } from "./page.ts";
import { openSealedBox } from "./sealed-box.ts";
import { timestamp, type Vault } from "./state.ts";
import { vaultOf } from "./vault.ts";

const documentation = "/rest/actions/secrets";
const SecretInput = z.strictObject({ encrypted_value: z.string(), key_id: z.string() });

function body(name: string, secret: Vault["secrets"][string]): SecretBody {
  return { name, created_at: secret.createdAt, updated_at: secret.updatedAt };
}

/**
 * Secrets of the repository (`/actions/secrets`) or of an environment (`/environments/:environment/secrets`). A value goes in
 * sealed for the vault's key, is opened to prove that GitHub could, and never comes out.
 */
export const secrets = new Hono<Env>()
  .get("/", (context) => {
    const vault = vaultOf(context.var.store.state, context, documentation);
    const all = Object.entries(vault.secrets).sort(([a], [b]) => (a < b ? -1 : 1));
    const shown = paginate(context, all).map(([name, secret]) => body(name, secret));
    return context.json({ total_count: all.length, secrets: shown });
  })
  .get("/public-key", (context) => {
    const { key } = vaultOf(context.var.store.state, context, documentation);
    return context.json({ key_id: key.id, key: key.publicKey } satisfies PublicKeyBody);
  })
  .get("/:name", (context) => {
    const name = context.req.param("name").toUpperCase();
    const secret = vaultOf(context.var.store.state, context, documentation).secrets[name];
    if (secret === undefined) throw notFound(documentation);
    return context.json(body(name, secret));
  })
  .put("/:name", async (context) => {
    const input = await readBody(context.req, SecretInput, documentation);
    const name = checkedName("Secret", context.req.param("name"), documentation);
    const created = await context.var.store.change((state) => {
      const vault = vaultOf(state, context, documentation);
      if (input.key_id !== vault.key.id) {
        throw new GithubError(422, "Bad request - key_id does not match the public key", documentation);
      }
      const value = openSealedBox(input.encrypted_value, vault.key);
      if (value === null) {
        throw new GithubError(422, "Bad request - the encrypted_value could not be opened with the key", documentation);
      }
      if (Buffer.byteLength(value) > maximumValueBytes) {
        throw new GithubError(422, "Secret value is too large: the limit is 48 KB", documentation);
      }
      const before = vault.secrets[name];
      const now = timestamp();
      vault.secrets[name] = { value, createdAt: before?.createdAt ?? now, updatedAt: now };
      return before === undefined;
    });
    return created ? context.json({}, 201) : context.body(null, 204);
  })
  .delete("/:name", async (context) => {
    const name = context.req.param("name").toUpperCase();
    await context.var.store.change((state) => {
      const vault = vaultOf(state, context, documentation);
      if (vault.secrets[name] === undefined) throw notFound(documentation);
      delete vault.secrets[name];
    });
    return context.body(null, 204);
  });
