/** Orders keys by their UTF-8 bytes, as S3 lists them. JavaScript's own order differs where a key leaves the basic plane. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const [x, y] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (x !== y) return inByteOrder(x) - inByteOrder(y);
  }
  return a.length - b.length;
}

/** Moves surrogates (characters above U+FFFF) behind the rest of the basic plane. */
function inByteOrder(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}

/** A set of keys that stays sorted. */
export class SortedKeys {
  readonly #keys: string[] = [];

  add(key: string): void {
    const place = this.#placeOf(key);
    if (this.#keys[place] !== key) this.#keys.splice(place, 0, key);
  }

  remove(key: string): void {
    const place = this.#placeOf(key);
    if (this.#keys[place] === key) this.#keys.splice(place, 1);
  }

  /** Keys from the first that is not before `from`, in order. */
  *startingAt(from: string): Generator<string, void, undefined> {
    for (let place = this.#placeOf(from); place < this.#keys.length; place++) yield this.#keys[place] ?? "";
  }

  get size(): number {
    return this.#keys.length;
  }

  #placeOf(key: string): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.#keys[middle] ?? "", key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
