import { QueryError } from "./error.ts";

/** A form of the query protocol: lists are `Name.member.1`, structures `Name.member.1.Key`. */
export type Form = ReadonlyMap<string, string>;

/** A parameter that has to be there. */
export function required(form: Form, name: string): string {
  const value = form.get(name);
  if (value !== undefined && value !== "") return value;
  throw new QueryError(
    400,
    "ValidationError",
    `Value null at '${name}' failed to satisfy constraint: Member must not be null`,
  );
}

/** The tags of a request. */
export function readTags(form: Form): Record<string, string> {
  const tags: Record<string, string> = {};
  for (let index = 1; form.has(`Tags.member.${index}.Key`); index++) {
    tags[form.get(`Tags.member.${index}.Key`) ?? ""] = form.get(`Tags.member.${index}.Value`) ?? "";
  }
  if (Object.keys(tags).length > 50)
    throw new QueryError(409, "LimitExceeded", "Cannot exceed quota for TagsPerUser: 50");
  return tags;
}

/** A list of texts. */
export function readList(form: Form, name: string): string[] {
  const items: string[] = [];
  for (let index = 1; form.has(`${name}.member.${index}`); index++)
    items.push(form.get(`${name}.member.${index}`) ?? "");
  return items;
}
