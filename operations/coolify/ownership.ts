import type { ListedApplication } from "./answers.ts";
import { markOf } from "./plan.ts";

/** The program and stack in `<project>/<stack>/<resource>`; empty in marks of before they were written down. */
function scopeOf(owner: string): string {
  return owner.slice(0, Math.max(0, owner.lastIndexOf("/")));
}

/** Whether an application carries the mark of this program and stack. */
export function isOurs(application: Pick<ListedApplication, "description">, owner: string): boolean {
  const mark = markOf(application);
  return mark !== null && (scopeOf(mark.owner) === "" || scopeOf(mark.owner) === scopeOf(owner));
}
