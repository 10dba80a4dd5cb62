// How the scripts in an image talk: the job comes in AFFEXAI_JOB, answers are JSON lines on stdout, each with the key `affexai`;
// everything else on stdout is the application's own talk.
export const job = JSON.parse(process.env.AFFEXAI_JOB);

const write = process.stdout.write.bind(process.stdout);
export const say = (affexai, values = {}) =>
  new Promise((done) => write(`${JSON.stringify({ affexai, ...values })}\n`, () => done()));
// Libraries that greet people on stdout must not break the protocol.
process.stdout.write = process.stderr.write.bind(process.stderr);

/** What is not done because it must not be, as against what was tried and failed. */
export class Refusal extends Error {}

/** Says why it ended; `stack` where it helps whoever reads it. */
export const sayFailed = (error, stack = null) =>
  say("failed", {
    message: String(error?.message ?? error),
    code: codeOf(error),
    kind: error instanceof Refusal ? "refused" : "failed",
    stack,
  });

/** SQLSTATE of what PostgreSQL answered, or null. */
export function codeOf(error) {
  const cause = error?.driverError ?? error;
  return typeof cause?.code === "string" ? cause.code : null;
}
