/** A Coolify release, comparable by its three numbers. Pre-release marks (`v4.4-rc.1`) are not played. */
export class Version {
  readonly text: string;
  readonly #numbers: readonly number[];

  /** Throws when the text is not `4.x` or `4.x.y`. */
  constructor(text: string) {
    if (!/^4\.\d+(\.\d+)?$/.test(text)) {
      throw new Error(`Coolify version: expected 4.x or 4.x.y, got ${text}. Versions 4.1 to 4.7 are played.`);
    }
    this.text = text;
    this.#numbers = text.split(".").map(Number);
  }

  /** True when this release is `other` or newer. */
  atLeast(other: string): boolean {
    const theirs = other.split(".").map(Number);
    for (let index = 0; index < 3; index += 1) {
      const difference = (this.#numbers[index] ?? 0) - (theirs[index] ?? 0);
      if (difference !== 0) return difference > 0;
    }
    return true;
  }
}
