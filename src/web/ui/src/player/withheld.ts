// What is withheld until an instant: the keys of a film while its release card runs.

export class Withheld {
  readonly #until_ms: number;
  readonly #waiting = new Set<ReturnType<typeof setTimeout>>();

  /** `until_ms` is on the page's monotonic clock. */
  constructor(until_ms: number) {
    this.#until_ms = until_ms;
  }

  get is_over(): boolean {
    return performance.now() >= this.#until_ms;
  }

  /** Does it once it may be done, which can be now; gives back what calls it off. */
  then(act: () => void): () => void {
    const left_ms = this.#until_ms - performance.now();
    if (left_ms <= 0) {
      act();
      return () => undefined;
    }
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      act();
    }, left_ms);
    this.#waiting.add(timer);
    return () => {
      clearTimeout(timer);
      this.#waiting.delete(timer);
    };
  }

  /** Nothing that waits is done any more. */
  end(): void {
    for (const timer of this.#waiting) clearTimeout(timer);
    this.#waiting.clear();
  }
}
