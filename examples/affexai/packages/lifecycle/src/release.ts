import { readFileSync } from "node:fs";

export interface ReleaseIdentity {
  release: string;
  digest: string | null;
  gitSha: string;
}

/**
 * Who this process is. Release and commit come from the release.json that was baked into the image, because a variable can
 * lie; the digest cannot be in the image, so the platform tells it. Outside an image there is no release.json: "development".
 */
export function readRelease(file: string, digest: string | undefined): ReleaseIdentity {
  const baked = read(file);
  return { release: baked.id, digest: digest ?? null, gitSha: baked.gitSha };
}

function read(file: string): { id: string; gitSha: string } {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return { id: "development", gitSha: "0".repeat(40) };
    }
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null && "id" in value && "gitSha" in value) {
    const { id, gitSha } = value;
    if (typeof id === "string" && typeof gitSha === "string") return { id, gitSha };
  }
  throw new Error(`${file}: must hold {"id": string, "gitSha": string}. Build the image again.`);
}

/** Next.js bundles its own copy of this module into each route: the global is where all copies meet. */
const key = Symbol.for("affexai.release");
const announced = globalThis as typeof globalThis & { [key]?: ReleaseIdentity };

/** Tells the rest of the process who it is. */
export function announceRelease(release: ReleaseIdentity): void {
  announced[key] = release;
}

/** What was announced; "development" when nothing was. */
export function currentRelease(): ReleaseIdentity {
  return announced[key] ?? { release: "development", digest: null, gitSha: "0".repeat(40) };
}
