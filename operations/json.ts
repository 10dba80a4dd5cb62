/** The value of a JSON text that somebody else wrote; undefined when it is no JSON, which is for the caller's schema to refuse. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
