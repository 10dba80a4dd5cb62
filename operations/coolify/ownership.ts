/** Whose a resource on Coolify is by its description, `<project>/<stack>/<resource>`; null for one that was made by hand. */
export function ownerIn(description: string | null | undefined): string | null {
  return /^affexai owner=(\S+)/.exec(description ?? "")?.[1] ?? null;
}

/** Whether a resource carries the mark of this program and stack. */
export function isOurs({ description }: { description?: string | null | undefined }, owner: string): boolean {
  const other = ownerIn(description);
  return other !== null && (scopeOf(other) === "" || scopeOf(other) === scopeOf(owner));
}

/** Empty in marks of before programs and stacks were written down. */
function scopeOf(owner: string): string {
  return owner.slice(0, Math.max(0, owner.lastIndexOf("/")));
}
