import type { Octokit } from "octokit";
import { z } from "zod";
import type { Call } from "../provider.ts";

export const Config = z.strictObject({
  version: z.string().optional(),
  owner: z.string(),
  baseUrl: z.url().optional(),
});

let client: Octokit | undefined;

/** Octokit at GITHUB_BASE_URL, as the official provider has it, with the token of GITHUB_TOKEN; and who owns the repositories. */
export async function github(call: Call): Promise<{ api: Octokit; owner: string }> {
  const { owner, baseUrl = process.env["GITHUB_BASE_URL"] ?? process.env["GITHUB_API_URL"] } = Config.parse(
    call.config,
  );
  const host = baseUrl === undefined ? undefined : URL.parse(baseUrl)?.hostname;
  if (baseUrl === undefined || host === undefined || !/^(127\.\d+\.\d+\.\d+|localhost|.*\.localhost)$/.test(host)) {
    throw new Error(
      "GITHUB_BASE_URL must be an address of this machine: this is the sandbox's stand-in for GitHub. Run `./affexai sandbox env`.",
    );
  }
  // Loaded on demand: a preview starts this provider and asks nothing of GitHub.
  const { Octokit } = await import("octokit");
  client ??= new Octokit({ auth: process.env["GITHUB_TOKEN"], baseUrl: baseUrl.replace(/\/$/, "") });
  return { api: client, owner };
}

/** The answer, or null for a 404. */
export async function ifThere<T>(answer: Promise<{ data: T }>): Promise<T | null> {
  try {
    return (await answer).data;
  } catch (error) {
    if (error instanceof Error && "status" in error && error.status === 404) return null;
    throw error;
  }
}
