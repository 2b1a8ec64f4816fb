// How fast bytes go, over the last seconds: long enough not to flicker, short enough to notice a change.

const WINDOW_MS = 8_000;
const WARM_MS = 700;

export class Pace {
  #seen: [bytes: number, at_ms: number][] = [];

  /** Bytes per second, or null before there is enough to say it. Going back is a new beginning. */
  mark(bytes: number, at_ms: number): number | null {
    const last = this.#seen.at(-1);
    if (last && (bytes < last[0] || at_ms - last[1] > WINDOW_MS)) this.#seen = [];
    this.#seen.push([bytes, at_ms]);
    while (this.#seen.length > 2 && at_ms - (this.#seen[0]?.[1] ?? 0) > WINDOW_MS) this.#seen.shift();
    const [first_bytes = 0, first_ms = 0] = this.#seen[0] ?? [];
    const span_ms = at_ms - first_ms;
    return span_ms < WARM_MS ? null : ((bytes - first_bytes) / span_ms) * 1000;
  }
}
