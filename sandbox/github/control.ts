import { Hono } from "hono";
import { z } from "zod";
import { isToken } from "./authorization.ts";
import { FaultRequest, type Faults } from "./faults.ts";
import type { Store } from "./store.ts";

/**
 * What the sandbox has beside GitHub's API, under `/_sandbox`:
 * `POST|GET|DELETE /faults`, and `GET /secrets` with the token: `{repository: {NAME: value}, environments: {name: {NAME: value}}}`,
 * the plain values as a workflow would be given them.
 */
export function control(store: Store, faults: Faults, token: string): Hono {
  return new Hono()
    .basePath("/_sandbox")
    .get("/faults", (context) => context.json({ faults: faults.list() }))
    .delete("/faults", (context) => {
      faults.clear();
      return context.body(null, 204);
    })
    .post("/faults", async (context) => {
      const parsed = FaultRequest.safeParse(await context.req.json().catch(() => undefined));
      if (!parsed.success) return context.json({ error: z.prettifyError(parsed.error) }, 422);
      faults.add(parsed.data.faults);
      return context.json({ faults: faults.list() }, 201);
    })
    .get("/secrets", (context) => {
      if (!isToken(context.req.header("authorization"), token)) {
        return context.json({ error: "Send the sandbox's GitHub token as `Authorization: Bearer …`." }, 401);
      }
      const plain = (secrets: Readonly<Record<string, { value: string }>>) =>
        Object.fromEntries(Object.entries(secrets).map(([name, { value }]) => [name, value]));
      return context.json({
        repository: plain(store.state.vault.secrets),
        environments: Object.fromEntries(
          store.state.environments.map(({ name, vault }) => [name, plain(vault.secrets)]),
        ),
      });
    });
}
