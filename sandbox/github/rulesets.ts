import { Hono } from "hono";
import { z } from "zod";
import { htmlUrl, idParam, nodeId, repositoryUrl, type Env, type RequestContext } from "./context.ts";
import { notFound, readBody, validationFailed } from "./error.ts";
import { paginate } from "./page.ts";
import { timestamp, type Ruleset, type State } from "./state.ts";

const documentation = "/rest/repos/rules";

/** Rules by what they need: nothing, parameters, or parameters that may be left out. */
const plainRules = [
  "creation",
  "deletion",
  "required_linear_history",
  "required_signatures",
  "non_fast_forward",
] as const;
const parameterRules = [
  "required_deployments",
  "pull_request",
  "required_status_checks",
  "commit_message_pattern",
  "commit_author_email_pattern",
  "committer_email_pattern",
  "branch_name_pattern",
  "tag_name_pattern",
  "file_path_restriction",
  "max_file_path_length",
  "file_extension_restriction",
  "max_file_size",
  "workflows",
  "code_scanning",
] as const;
const parameters = z.record(z.string(), z.json());

const Rule = z.union([
  z.strictObject({ type: z.enum(plainRules) }),
  z.strictObject({ type: z.enum(parameterRules), parameters }),
  z.strictObject({ type: z.enum(["update", "merge_queue"]), parameters: parameters.optional() }),
]);

const RulesetFields = {
  name: z.string().min(1),
  target: z.enum(["branch", "tag", "push"]),
  enforcement: z.enum(["disabled", "active", "evaluate"]),
  bypass_actors: z.array(
    z.strictObject({
      actor_id: z.int().nullable().optional(),
      actor_type: z.enum(["Integration", "OrganizationAdmin", "RepositoryRole", "Team", "DeployKey"]),
      bypass_mode: z.enum(["always", "pull_request", "exempt"]).default("always"),
    }),
  ),
  conditions: z.strictObject({
    ref_name: z.strictObject({ include: z.array(z.string()), exclude: z.array(z.string()) }).optional(),
  }),
  rules: z.array(Rule),
};
const RulesetInput = z.strictObject({
  ...RulesetFields,
  target: RulesetFields.target.default("branch"),
  bypass_actors: RulesetFields.bypass_actors.default([]),
  conditions: RulesetFields.conditions.default({}),
  rules: RulesetFields.rules.default([]),
});
const RulesetChange = z.strictObject(RulesetFields).partial();

function summary(context: RequestContext, ruleset: Ruleset) {
  const { owner, repository } = context.var.store.state;
  return {
    id: ruleset.id,
    name: ruleset.name,
    target: ruleset.target,
    source_type: "Repository",
    source: `${owner.login}/${repository.name}`,
    enforcement: ruleset.enforcement,
    node_id: nodeId("RepositoryRuleset", ruleset.id),
    created_at: ruleset.createdAt,
    updated_at: ruleset.updatedAt,
    _links: {
      self: { href: `${repositoryUrl(context)}/rulesets/${ruleset.id}` },
      html: { href: `${htmlUrl(context)}/rules/${ruleset.id}` },
    },
  };
}

function body(context: RequestContext, ruleset: Ruleset) {
  return {
    ...summary(context, ruleset),
    bypass_actors: ruleset.bypassActors,
    current_user_can_bypass: "never",
    conditions: ruleset.conditions,
    rules: ruleset.rules,
  };
}

function rulesetOf(state: Readonly<State>, context: RequestContext): Ruleset {
  const ruleset = state.rulesets.find(({ id }) => id === idParam(context, "id"));
  if (ruleset === undefined) throw notFound(documentation);
  return ruleset;
}

function refuseDoubledName(state: Readonly<State>, name: string | undefined, own: number | undefined): void {
  if (!state.rulesets.some((other) => other.name === name && other.id !== own)) return;
  throw validationFailed(documentation, {
    resource: "RepositoryRuleset",
    field: "name",
    code: "custom",
    message: "Name must be unique",
  });
}

/** Rulesets: kept and returned, not enforced, for nothing is pushed here. */
export const rulesets = new Hono<Env>()
  .get("/", (context) => {
    const all = context.var.store.state.rulesets;
    return context.json(paginate(context, all).map((ruleset) => summary(context, ruleset)));
  })
  .post("/", async (context) => {
    const { bypass_actors: bypassActors, ...input } = await readBody(context.req, RulesetInput, documentation);
    const ruleset = await context.var.store.change((state) => {
      refuseDoubledName(state, input.name, undefined);
      const now = timestamp();
      const ruleset: Ruleset = { id: state.nextId++, ...input, bypassActors, createdAt: now, updatedAt: now };
      state.rulesets.push(ruleset);
      return ruleset;
    });
    return context.json(body(context, ruleset), 201);
  })
  .get("/:id", (context) => context.json(body(context, rulesetOf(context.var.store.state, context))))
  .put("/:id", async (context) => {
    const { bypass_actors: bypassActors, ...input } = await readBody(context.req, RulesetChange, documentation);
    const ruleset = await context.var.store.change((state) => {
      const found = rulesetOf(state, context);
      refuseDoubledName(state, input.name, found.id);
      return Object.assign(found, input, bypassActors === undefined ? {} : { bypassActors }, {
        updatedAt: timestamp(),
      });
    });
    return context.json(body(context, ruleset));
  })
  .delete("/:id", async (context) => {
    await context.var.store.change((state) => {
      const { id } = rulesetOf(state, context);
      state.rulesets = state.rulesets.filter((ruleset) => ruleset.id !== id);
    });
    return context.body(null, 204);
  });
