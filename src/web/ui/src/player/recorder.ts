// What a viewing was like, event by event, sent to its session in batches.
//
// Events wait until there is a session to tell. A batch that is lost on the way is sent again with the next one; a
// server that refuses them is asked no more.

export type PlaybackEvent =
  | { kind: 'play_pressed' | 'exit_before_start' | 'stall_start' | 'pause' | 'resume' | 'ended' | 'closed' }
  | { kind: 'first_frame'; startup_ms: number }
  | { kind: 'start_failed'; code: string }
  | { kind: 'stall_end'; ms: number; seeking: boolean }
  | { kind: 'seek'; from_ms: number; to_ms: number }
  | { kind: 'rung'; bitrate_bps: number; width: number; height: number }
  | { kind: 'error'; code: string; fatal: boolean }
  | { kind: 'position'; position_ms: number; playing: boolean; rate: number }
  | { kind: 'visibility'; hidden: boolean };

export type Recorded = PlaybackEvent & { at_ms: number };

export interface Batch {
  events: Recorded[];
  sent_at_ms: number;
}

export interface RecorderPorts {
  send: (session_id: string, batch: Batch) => Promise<'taken' | 'lost' | 'refused'>;
  /** Outlives the page; nobody hears how it went. */
  beacon: (session_id: string, batch: Batch) => void;
  /** Monotonic, in ms. */
  now: () => number;
}

const BATCH_EVERY_MS = 10_000;
/** A beacon may carry 64 KiB, and an event is below 150 bytes. */
const EVENTS_MAX = 300;

export class Recorder {
  readonly #ports: RecorderPorts;
  #events: Recorded[] = [];
  #session_id: string | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #sending = false;
  #refused = false;

  constructor(ports: RecorderPorts) {
    this.#ports = ports;
  }

  record(event: PlaybackEvent): void {
    if (this.#refused) return;
    this.#events.push({ ...event, at_ms: Math.round(this.#ports.now()) });
    // The oldest go first: how a viewing ended matters more than how it once was.
    if (this.#events.length > EVENTS_MAX) this.#events.splice(0, this.#events.length - EVENTS_MAX);
  }

  /** From now on the events are this session's. */
  open(session_id: string): void {
    this.#session_id = session_id;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => void this.flush(), BATCH_EVERY_MS);
  }

  async flush(): Promise<void> {
    const session_id = this.#session_id;
    if (session_id === null || this.#events.length === 0 || this.#sending) return;
    const batch = this.#take();
    this.#sending = true;
    const outcome = await this.#ports.send(session_id, batch);
    this.#sending = false;
    if (outcome === 'refused') {
      this.#refused = true;
      this.#events = [];
    } else if (outcome === 'lost' && this.#session_id === session_id) {
      this.#events = [...batch.events, ...this.#events].slice(-EVENTS_MAX);
    }
  }

  /** Sends what there is in a way that outlives the page; the session goes on. */
  push(): void {
    if (this.#session_id === null || this.#events.length === 0) return;
    this.#ports.beacon(this.#session_id, this.#take());
  }

  /** The session is over, or there never was one. */
  close(): void {
    clearInterval(this.#timer);
    this.push();
    this.#session_id = null;
    this.#events = [];
  }

  #take(): Batch {
    const events = this.#events;
    this.#events = [];
    return { events, sent_at_ms: Math.round(this.#ports.now()) };
  }
}
