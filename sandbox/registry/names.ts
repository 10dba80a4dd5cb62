const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

/** Whether a repository may be called so. Names become folders here: nothing else may come near the file system. */
export function isRepositoryName(name: string): boolean {
  return name.length <= 255 && name.split("/").every((part) => component.test(part));
}
