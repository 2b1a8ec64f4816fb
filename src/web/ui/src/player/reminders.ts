// When to say that the viewing time runs out.

const MINUTES = [30, 10, 1] as const;
const MINUTE_MS = 60_000;

export class Reminders {
  #said: number | null = null;

  /** Whole minutes left, at the moment a reminder is due; otherwise `null`. Each is due once. */
  due(left_ms: number): number | null {
    if (left_ms <= 0) return null;
    const reached = MINUTES.findLast((minutes) => left_ms <= minutes * MINUTE_MS);
    if (reached === undefined || (this.#said !== null && reached >= this.#said)) return null;
    this.#said = reached;
    return Math.ceil(left_ms / MINUTE_MS);
  }
}
