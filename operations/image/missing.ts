/** The code of a system error, or "". */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Waits for something that is read from disk; what is not there is `otherwise`. Every other failure is thrown. */
export async function orWhenMissing<T, Otherwise>(reading: Promise<T>, otherwise: Otherwise): Promise<T | Otherwise> {
  try {
    return await reading;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return otherwise;
    throw error;
  }
}
