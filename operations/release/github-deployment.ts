import { Octokit } from "octokit";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import type { LedgerLocation, ReleaseRecord } from "./spec.ts";
import { parseJson } from "../json.ts";

interface Mirror {
  readonly record: ReleaseRecord;
  readonly ledger: LedgerLocation;
  /** `owner/name`. */
  readonly repository: string;
  readonly url: string;
  readonly attempt: string;
}

/**
 * Mirrors a verified attempt to GitHub Deployments, where people look. Run again it finds its own deployment by the payload's
 * attempt and only adds the status. GITHUB_TOKEN needs deployments: write; GITHUB_API_URL names a GitHub other than github.com.
 */
export async function mirrorToGithub(mirror: Mirror, { env, signal }: Pick<Context, "env" | "signal">): Promise<void> {
  const [owner = "", repo = ""] = mirror.repository.split("/");
  if (!env.GITHUB_TOKEN) {
    throw new OperationError("usage", {
      where: "GITHUB_TOKEN",
      what: "is not set.",
      next: `Set it to a token that may write deployments of ${mirror.repository}.`,
    });
  }
  const github = new Octokit({
    auth: env.GITHUB_TOKEN,
    ...(env.GITHUB_API_URL ? { baseUrl: env.GITHUB_API_URL } : {}),
    request: { signal, timeout: 30_000 },
  });
  const target = { owner, repo, environment: mirror.ledger.environment };
  try {
    const { data: existing } = await github.rest.repos.listDeployments({
      ...target,
      sha: mirror.record.gitSha,
      per_page: 100,
    });
    const own = existing.find(({ payload }) => attemptOf(payload) === mirror.attempt);
    const id = own?.id ?? (await create(github, target, mirror));
    await github.rest.repos.createDeploymentStatus({
      owner,
      repo,
      deployment_id: id,
      state: "success",
      environment_url: mirror.url,
      description: `${mirror.record.id} serves and passed its smoke tests`,
    });
  } catch (error) {
    if (error instanceof OperationError) throw error;
    throw new OperationError(
      "failed",
      {
        where: `GitHub deployments of ${mirror.repository}`,
        what: `${error instanceof Error ? error.message : String(error)}.`,
        next: "The release serves; check the token's rights, then run `pulumi up` again to close the attempt.",
      },
      { cause: error },
    );
  }
}

async function create(
  github: Octokit,
  target: { owner: string; repo: string; environment: string },
  { record, attempt, ledger }: Mirror,
): Promise<number> {
  const { data, status } = await github.rest.repos.createDeployment({
    ...target,
    ref: record.gitSha,
    auto_merge: false,
    required_contexts: [],
    production_environment: ledger.environment === "production",
    payload: { attempt, release: record.id },
    description: `release ${record.id}`,
  });
  if (status === 201 && "id" in data) return data.id;
  throw new OperationError("failed", {
    where: `GitHub deployments of ${target.owner}/${target.repo}`,
    what: `creating one was answered with ${status}.`,
    next: "Check that the commit exists in the repository, then run `pulumi up` again.",
  });
}

function attemptOf(payload: unknown): string | undefined {
  const parsed = typeof payload === "string" ? parseJson(payload) : payload;
  if (typeof parsed !== "object" || parsed === null || !("attempt" in parsed)) return undefined;
  return typeof parsed.attempt === "string" ? parsed.attempt : undefined;
}
