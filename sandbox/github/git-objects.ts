import { createHash } from "node:crypto";
import { timestamp, type Commit, type State } from "./state.ts";

/** The name git gives an object: SHA-1 of its kind, length and content. */
export function objectSha(kind: "blob" | "tree" | "commit", content: Buffer): string {
  return createHash("sha1").update(`${kind} ${content.length}\0`).update(content).digest("hex");
}

/** The SHA of the tree of these files (blob by path), as git would compute it: every file with mode 100644. */
export function treeSha(files: Readonly<Record<string, string>>): string {
  const folders = new Map<string, Record<string, string>>();
  const entries: { name: string; mode: string; sha: string }[] = [];
  for (const [path, sha] of Object.entries(files)) {
    const slash = path.indexOf("/");
    if (slash < 0) {
      entries.push({ name: path, mode: "100644", sha });
      continue;
    }
    const folder = folders.get(path.slice(0, slash)) ?? {};
    folder[path.slice(slash + 1)] = sha;
    folders.set(path.slice(0, slash), folder);
  }
  for (const [name, inner] of folders) entries.push({ name, mode: "40000", sha: treeSha(inner) });
  // git sorts a folder as if its name ended with a slash.
  const order = ({ name, mode }: { name: string; mode: string }) => Buffer.from(mode === "40000" ? `${name}/` : name);
  entries.sort((a, b) => Buffer.compare(order(a), order(b)));
  const content = entries.map(({ name, mode, sha }) =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(sha, "hex")]),
  );
  return objectSha("tree", Buffer.concat(content));
}

/** Adds a commit to a branch: `alter` changes the files (blob by path); `keep` stores content and gives its blob. */
export function commitFiles(
  state: State,
  branch: string,
  message: string,
  alter: (files: Record<string, string>, keep: (content: Buffer) => string) => void,
): Commit {
  const parent = state.branches[branch] ?? null;
  const files = { ...(parent === null ? {} : state.commits[parent]?.files) };
  alter(files, (content) => {
    const sha = objectSha("blob", content);
    state.blobs[sha] = content.toString("base64");
    return sha;
  });
  const date = timestamp();
  const author = { name: state.operator.login, email: `${state.operator.login}@users.noreply.github.com` };
  const tree = treeSha(files);
  const signature = `${author.name} <${author.email}> ${Date.parse(date) / 1000} +0000`;
  const lines = [
    `tree ${tree}`,
    ...(parent === null ? [] : [`parent ${parent}`]),
    `author ${signature}`,
    `committer ${signature}`,
    "",
    message,
  ];
  const sha = objectSha("commit", Buffer.from(lines.join("\n")));
  const commit = { sha, tree, parent, message, date, author, files };
  state.commits[sha] = commit;
  state.branches[branch] = sha;
  return commit;
}
