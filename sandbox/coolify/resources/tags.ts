import type { Coolify } from "../context.ts";
import { created, invalid, ok, refuse } from "../http/reply.ts";
import { requireJson, text as textOf, type ApiRequest } from "../http/request.ts";
import type { Route } from "../http/route.ts";
import { timestamp } from "../identifiers.ts";
import { plain, type Fields } from "../json.ts";
import type { Owner, Tag } from "../records.ts";
import { list, required, text, validate } from "../validation/field.ts";
import { findOwner } from "./lookup.ts";

/** Tags of the team and of its resources (Coolify 379abb2, TagsController.php, Concerns/HandlesTagsApi.php); since 4.3. */
export function tagRoutes(coolify: Coolify): Route[] {
  const { state } = coolify.store;
  const find = (teamId: number, uuid?: string): Tag => {
    const tag = state.tags.find((candidate) => candidate.teamId === teamId && candidate.uuid === uuid);
    if (tag === undefined) throw refuse(404, "Tag not found.");
    return tag;
  };
  const nameOf = (request: ApiRequest): string => {
    requireJson(request);
    validate(request.input, { name: required(text({ min: 2, max: 255 }), null) }, ["name"]);
    const name = normaliseTag(textOf(request.input, "name") ?? "");
    if (state.tags.some((tag) => tag.teamId === request.teamId && tag.name === name)) {
      throw refuse(409, "Tag with this name already exists.");
    }
    return name;
  };
  return [
    {
      method: "GET",
      path: "/tags",
      ability: "read",
      since: "4.3",
      handle: ({ teamId }) =>
        ok(
          state.tags
            .filter((tag) => tag.teamId === teamId)
            .sort((left, right) => (left.name < right.name ? -1 : 1))
            .map(describeTag),
        ),
    },
    {
      method: "POST",
      path: "/tags",
      ability: "write",
      since: "4.3",
      handle(request) {
        const tag: Tag = { ...coolify.store.stamp(), teamId: request.teamId, name: nameOf(request) };
        state.tags.push(tag);
        return created(describeTag(tag));
      },
    },
    {
      method: "PATCH",
      path: "/tags/:uuid",
      ability: "write",
      since: "4.3",
      handle(request) {
        const name = nameOf(request);
        const tag = find(request.teamId, request.params.uuid);
        Object.assign(tag, { name, updated_at: timestamp() });
        return ok(describeTag(tag));
      },
    },
    {
      method: "DELETE",
      path: "/tags/:uuid",
      ability: "write",
      since: "4.3",
      handle({ params, teamId }) {
        const tag = find(teamId, params.uuid);
        for (const { tagIds } of [...state.applications, ...state.databases, ...state.services]) {
          if (tagIds.includes(tag.id)) tagIds.splice(tagIds.indexOf(tag.id), 1);
        }
        state.tags = state.tags.filter(({ id }) => id !== tag.id);
        return ok({ message: "Tag deleted." });
      },
    },
    ...resourceTags(coolify, "application", "/applications", find),
    ...resourceTags(coolify, "database", "/databases", find),
    ...resourceTags(coolify, "service", "/services", find),
  ];
}

/** The tags of a request's `tags`, or a 422. */
export function tagNames(input: Fields): string[] {
  const names = (Array.isArray(input.tags) ? input.tags : []).map((name) => normaliseTag(plain(name)));
  if (names.some((name) => name.length < 2)) {
    throw invalid({ tags: ["Each tag name must be at least 2 characters after sanitization."] });
  }
  return [...new Set(names)];
}

/** Puts tags on a resource, making those that are new. */
export function attachTags(coolify: Coolify, teamId: number, resource: { tagIds: number[] }, names: string[]): void {
  const { state } = coolify.store;
  for (const name of names) {
    let tag = state.tags.find((known) => known.teamId === teamId && known.name === name);
    if (tag === undefined) {
      tag = { ...coolify.store.stamp(), teamId, name };
      state.tags.push(tag);
    }
    if (!resource.tagIds.includes(tag.id)) resource.tagIds.push(tag.id);
  }
}

function resourceTags(
  coolify: Coolify,
  owner: Owner,
  path: string,
  find: (teamId: number, uuid?: string) => Tag,
): Route[] {
  const { state } = coolify.store;
  const resourceOf = ({ params, teamId }: ApiRequest) => findOwner(coolify, owner, teamId, params.uuid ?? "");
  const listed = ({ tagIds }: { tagIds: number[] }) =>
    state.tags.filter(({ id }) => tagIds.includes(id)).map(describeTag);
  return [
    {
      method: "GET",
      path: `${path}/:uuid/tags`,
      ability: "read",
      since: "4.3",
      handle: (request) => ok(listed(resourceOf(request))),
    },
    {
      method: "POST",
      path: `${path}/:uuid/tags`,
      ability: "write",
      since: "4.3",
      handle(request) {
        requireJson(request);
        const resource = resourceOf(request);
        const { input, teamId } = request;
        if ("tag_name" in input && "tag_names" in input) {
          throw invalid({ tag_name: ["Provide either tag_name or tag_names, not both."] });
        }
        const one = "tag_names" in input ? text({ nullable: true }) : required(text(), null);
        validate(input, { tag_name: one, tag_names: list(text(), { min: 1 }) }, ["tag_name", "tag_names"]);
        const sent = Array.isArray(input.tag_names) ? input.tag_names : [input.tag_name ?? ""];
        const names = sent.map((name) => normaliseTag(plain(name)));
        if (names.some((name) => name.length < 2)) {
          throw invalid({ tag_name: ["Each tag name must be at least 2 characters after sanitization."] });
        }
        attachTags(coolify, teamId, resource, names);
        return created(listed(resource));
      },
    },
    {
      method: "DELETE",
      path: `${path}/:uuid/tags/:tag`,
      ability: "write",
      since: "4.3",
      handle(request) {
        const resource = resourceOf(request);
        const tag = find(request.teamId, request.params.tag);
        if (!resource.tagIds.includes(tag.id)) throw refuse(404, "Tag not found on resource.");
        resource.tagIds.splice(resource.tagIds.indexOf(tag.id), 1);
        return ok({ message: "Tag removed." });
      },
    },
  ];
}

function describeTag({ uuid, name, created_at, updated_at }: Tag) {
  return { uuid, name, created_at, updated_at };
}

function normaliseTag(name: string): string {
  return name
    .replace(/<[^>]*>/g, "")
    .trim()
    .toLowerCase();
}
