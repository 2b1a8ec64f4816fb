// Tells the waits of a running film: the ones a seek caused, and the ones that are the delivery's fault.
//
//   moving --waiting--> stalled --moving, resting--> moving
//
// Nothing counts before the first frame (that is start-up) nor while the viewer has paused.

export type StallEvent = { kind: 'stall_start' } | { kind: 'stall_end'; ms: number; seeking: boolean };

export class Stalls {
  readonly #tell: (event: StallEvent) => void;
  readonly #now: () => number;
  #started = false;
  #seeking = false;
  #stall: { since: number; seeking: boolean } | null = null;

  constructor(tell: (event: StallEvent) => void, now: () => number) {
    this.#tell = tell;
    this.#now = now;
  }

  /** The first frame is shown. */
  start(): void {
    this.#started = true;
  }

  /** A source is made anew: what comes is start-up, or the fault of a seek. */
  seek(): void {
    // A viewer who seeks out of a stall ends it: what follows is the seek's wait.
    if (this.#stall && !this.#stall.seeking) this.#end();
    this.#seeking = true;
  }

  wait(): void {
    if (!this.#started || this.#stall) return;
    this.#stall = { since: this.#now(), seeking: this.#seeking };
    this.#tell({ kind: 'stall_start' });
  }

  /** The film moves. */
  move(): void {
    this.#end();
    this.#seeking = false;
  }

  /** The viewer paused or left, or the film ended: nobody waits any more. */
  rest(): void {
    this.#end();
  }

  #end(): void {
    if (!this.#stall) return;
    const { since, seeking } = this.#stall;
    this.#stall = null;
    this.#tell({ kind: 'stall_end', ms: Math.round(this.#now() - since), seeking });
  }
}
