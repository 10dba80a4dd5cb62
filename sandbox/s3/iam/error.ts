/** An answer that IAM words as an error: its code and status (IAM API Reference, each action's "Errors"). */
export class QueryError extends Error {
  override readonly name = "QueryError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
