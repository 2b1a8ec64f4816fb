// Keeps the position of one viewing: in this browser at once, on the server every ten seconds of playing, and whenever
// the viewer pauses, seeks or leaves.

import type { Kept, Place } from './resume';

const LOCAL_EVERY_MS = 1_000;
const SERVER_EVERY_MS = 10_000;

export type Position = Omit<Place, 'updated_at'>;

export interface ProgressPorts {
  local: Kept;
  /** `null` where there is nobody to keep it for. A `refused` position is not sent again. */
  put: ((title_id: string, position: Position, when: 'now' | 'leaving') => Promise<'taken' | 'lost' | 'refused'>) | null;
  /** Monotonic. */
  now: () => number;
  wall: () => Date;
}

export class Progress {
  readonly #title_id: string;
  readonly #ports: ProgressPorts;
  #local_at = -Infinity;
  #server_at: number;
  #sending = false;
  #next: Position | null = null;
  #refused = false;

  constructor(title_id: string, ports: ProgressPorts) {
    this.#title_id = title_id;
    this.#ports = ports;
    this.#server_at = ports.now();
  }

  /** The film moves on. */
  playing(position: Position): void {
    const now = this.#ports.now();
    if (now - this.#local_at >= LOCAL_EVERY_MS) this.#keep(position, now);
    if (now - this.#server_at >= SERVER_EVERY_MS) this.#send(position, now);
  }

  /** The viewer paused or seeked, or the part ended. */
  settled(position: Position): void {
    const now = this.#ports.now();
    this.#keep(position, now);
    this.#send(position, now);
  }

  /** The page, or the film, is left: what is sent now has to outlive it. */
  left(position: Position): void {
    this.#keep(position, this.#ports.now());
    this.#next = null;
    if (!this.#refused) void this.#ports.put?.(this.#title_id, position, 'leaving');
  }

  #keep(position: Position, now: number): void {
    this.#local_at = now;
    this.#ports.local.write(this.#title_id, { ...position, updated_at: this.#ports.wall().toISOString() });
  }

  #send(position: Position, now: number): void {
    this.#server_at = now;
    if (this.#refused || this.#ports.put === null) return;
    this.#next = position;
    void this.#drain(this.#ports.put);
  }

  /** One at a time, so that an older position never arrives after a newer one. */
  async #drain(put: NonNullable<ProgressPorts['put']>): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    while (this.#next !== null && !this.#refused) {
      const position = this.#next;
      this.#next = null;
      this.#refused = (await put(this.#title_id, position, 'now')) === 'refused';
    }
    this.#sending = false;
  }
}
