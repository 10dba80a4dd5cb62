/**
 * The process exit codes of `affexai`, by name. People and CI may rely on them.
 *
 * - `failed`: the operation was tried and did not succeed; what remains is in the message.
 * - `usage`: unknown verb, option or malformed input; nothing was touched.
 * - `refused`: understood, but not safe or not allowed; nothing was touched.
 * - `unreachable`: a service that is needed did not answer, so nothing is known about the target.
 * - `drift`: the comparison worked and found differences.
 * - `stopped`: ended half-way on purpose, with the data safe; somebody has to decide.
 */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  drift: 7,
  stopped: 8,
  bug: 70,
} as const;

export type FailureKind = Exclude<keyof typeof exitCodes, "ok">;

export interface FailureText {
  /** Where it happened: a file and path, a resource, a step. */
  where: string;
  /** What is wrong, with the value unless it is a secret. */
  what: string;
  /** What to do now, as an instruction. */
  next: string;
}

/** An expected failure, worded for people. Anything else that is thrown is a bug and keeps its stack. */
export class OperationError extends Error {
  override readonly name = "OperationError";
  readonly kind: FailureKind;
  readonly text: FailureText;

  constructor(kind: FailureKind, text: FailureText, options?: { cause?: unknown }) {
    super(`${text.where}: ${text.what} ${text.next}`, options);
    this.kind = kind;
    this.text = text;
  }
}
