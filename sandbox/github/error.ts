import type { z } from "zod";

/** One entry of a 422's `errors`: what field of which resource, and GitHub's word for the trouble. */
export interface FieldError {
  readonly resource: string;
  readonly field?: string;
  readonly code: "missing" | "missing_field" | "invalid" | "already_exists" | "unprocessable" | "custom";
  readonly message?: string;
}

/** An answer that GitHub words as an error (REST API, "Troubleshooting the REST API"). */
export class GithubError extends Error {
  override readonly name = "GithubError";
  readonly status: number;
  /** Path below docs.github.com. */
  readonly documentation: string;
  readonly errors: readonly FieldError[] | undefined;

  constructor(status: number, message: string, documentation = "/rest", errors?: readonly FieldError[]) {
    super(message);
    this.status = status;
    this.documentation = documentation;
    this.errors = errors;
  }

  /** The JSON body. */
  get body(): object {
    return {
      message: this.message,
      ...(this.errors === undefined ? {} : { errors: this.errors }),
      documentation_url: `https://docs.github.com${this.documentation}`,
      status: String(this.status),
    };
  }
}

/** 404: GitHub also says this where the token may not look. */
export function notFound(documentation?: string): GithubError {
  return new GithubError(404, "Not Found", documentation);
}

/** 422 with one entry a field. */
export function validationFailed(documentation: string, ...errors: FieldError[]): GithubError {
  return new GithubError(422, "Validation Failed", documentation, errors);
}

/**
 * Reads a JSON body by its schema. Throws 400 for what is not a JSON object, and 422 with all its problems for what the schema
 * refuses, worded as GitHub words them.
 */
export async function readBody<Schema extends z.ZodType>(
  request: { text(): Promise<string> },
  schema: Schema,
  documentation: string,
): Promise<z.output<Schema>> {
  const parsed = schema.safeParse(parseObject(await request.text(), documentation));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(describe);
  throw new GithubError(422, `Invalid request.\n\n${problems.join("\n")}`, documentation);
}

function parseObject(text: string, documentation: string): object {
  let value: unknown;
  try {
    value = text === "" ? {} : JSON.parse(text);
  } catch {
    throw new GithubError(400, "Problems parsing JSON", documentation);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new GithubError(400, "Body should be a JSON object", documentation);
  }
  return value;
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `"${key}" is not a permitted key.`).join("\n");
  }
  const path = issue.path.join("/");
  if (issue.code === "invalid_type" && issue.message.includes("received undefined"))
    return `"${path}" wasn't supplied.`;
  return `For 'properties/${path}', ${issue.message}.`;
}
