import { Hono } from "hono";
import { z } from "zod";
import type { Env, VariableBody } from "./context.ts";
import { GithubError, notFound, readBody } from "./error.ts";
import { checkedName, maximumValueBytes } from "./names.ts";
import { paginate } from "./page.ts";
import { timestamp, type Vault } from "./state.ts";
import { vaultOf } from "./vault.ts";

const documentation = "/rest/actions/variables";
const value = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= maximumValueBytes, "is too large: the limit is 48 KB");
const VariableInput = z.strictObject({ name: z.string(), value });
const VariableChange = z.strictObject({ name: z.string().optional(), value: value.optional() });

function body(name: string, variable: Vault["variables"][string]): VariableBody {
  return { name, value: variable.value, created_at: variable.createdAt, updated_at: variable.updatedAt };
}

/** Variables of the repository (`/actions/variables`) or of an environment (`/environments/:environment/variables`). */
export const variables = new Hono<Env>()
  .get("/", (context) => {
    const vault = vaultOf(context.var.store.state, context, documentation);
    const all = Object.entries(vault.variables).sort(([a], [b]) => (a < b ? -1 : 1));
    const shown = paginate(context, all, { perPage: 10, most: 30 }).map(([name, variable]) => body(name, variable));
    return context.json({ total_count: all.length, variables: shown });
  })
  .post("/", async (context) => {
    const input = await readBody(context.req, VariableInput, documentation);
    const name = checkedName("Variable", input.name, documentation);
    await context.var.store.change((state) => {
      const vault = vaultOf(state, context, documentation);
      if (vault.variables[name] !== undefined) {
        throw new GithubError(409, "Already exists - Variable already exists", documentation);
      }
      const now = timestamp();
      vault.variables[name] = { value: input.value, createdAt: now, updatedAt: now };
    });
    return context.json({}, 201);
  })
  .get("/:name", (context) => {
    const name = context.req.param("name").toUpperCase();
    const variable = vaultOf(context.var.store.state, context, documentation).variables[name];
    if (variable === undefined) throw notFound(documentation);
    return context.json(body(name, variable));
  })
  .patch("/:name", async (context) => {
    const input = await readBody(context.req, VariableChange, documentation);
    const name = context.req.param("name").toUpperCase();
    const renamed = input.name === undefined ? name : checkedName("Variable", input.name, documentation);
    await context.var.store.change((state) => {
      const vault = vaultOf(state, context, documentation);
      const before = vault.variables[name];
      if (before === undefined) throw notFound(documentation);
      delete vault.variables[name];
      vault.variables[renamed] = { ...before, value: input.value ?? before.value, updatedAt: timestamp() };
    });
    return context.body(null, 204);
  })
  .delete("/:name", async (context) => {
    const name = context.req.param("name").toUpperCase();
    await context.var.store.change((state) => {
      const vault = vaultOf(state, context, documentation);
      if (vault.variables[name] === undefined) throw notFound(documentation);
      delete vault.variables[name];
    });
    return context.body(null, 204);
  });
