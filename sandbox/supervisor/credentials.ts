import { randomBytes, randomUUID } from "node:crypto";
import { chmod, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { OperationError } from "../../operations/error.ts";

const Credentials = z.strictObject({
  aws: z.strictObject({ accessKeyId: z.string(), secretAccessKey: z.string() }),
  coolify: z.strictObject({ token: z.string() }),
  github: z.strictObject({ token: z.string() }),
  registry: z.strictObject({ username: z.string(), password: z.string() }),
});

/** What opens the sandbox's services. Made once for a state folder, at random, readable by its owner alone. */
export type Credentials = z.infer<typeof Credentials>;

/** Reads `credentials.json` of the state folder, and makes it first if it is missing. Of two that make it at once, one wins for both. */
export async function provideCredentials(folder: string): Promise<Credentials> {
  const file = join(folder, "credentials.json");
  await mkdir(folder, { recursive: true });
  // Credentials, database passwords in logs of faults, Pulumi's state: nobody else's business.
  await chmod(folder, 0o711);
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, `${JSON.stringify(generate(), null, 2)}\n`, { mode: 0o600 });
  try {
    await link(draft, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    await rm(draft);
  }
  return readCredentials(folder);
}

/** Reads the credentials of a sandbox that was up before. */
export async function readCredentials(folder: string): Promise<Credentials> {
  const file = join(folder, "credentials.json");
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) {
    throw new OperationError("refused", {
      where: "sandbox",
      what: `has no credentials yet (${file} is missing).`,
      next: "Start it: ./affexai sandbox up.",
    });
  }
  const parsed = Credentials.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new OperationError("refused", {
    where: file,
    what: `is not what this version writes: ${z.prettifyError(parsed.error)}.`,
    next: "Stop the sandbox (./affexai sandbox down), remove the state folder and start it again.",
  });
}

function generate(): Credentials {
  return {
    aws: {
      accessKeyId: `AKIA${randomBytes(10).toString("hex").slice(0, 16).toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString("base64"),
    },
    // Laravel Sanctum's form, as Coolify hands out its tokens: the row's number, a bar, the secret.
    coolify: { token: `1|${randomBytes(24).toString("hex")}` },
    github: { token: `ghp_${randomBytes(18).toString("hex")}` },
    registry: { username: "affexai", password: randomBytes(18).toString("base64url") },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
