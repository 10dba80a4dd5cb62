/** An id of a Redis stream: `<milliseconds>-<number in that millisecond>`. */
export const updateIdPattern = /^\d{1,16}-\d{1,16}$/;

/** Before every update. */
export const firstUpdateId = "0-0";

export function isAfter(id: string, other: string): boolean {
  const [time = 0, number = 0] = id.split("-").map(Number);
  const [otherTime = 0, otherNumber = 0] = other.split("-").map(Number);
  return time > otherTime || (time === otherTime && number > otherNumber);
}
