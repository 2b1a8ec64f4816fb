// A stream of server-sent events, taken up again by itself.
//
//   connecting --open--> live --error, or silence--> stale --retry--> live
//
// Nobody reads a hidden page: a minute after it was hidden the stream is closed, and taken up when it is seen again.

const RETRY_MS_FIRST = 1_000;
const RETRY_MS_MAX = 30_000;
const HIDDEN_MS_MAX = 60_000;
const TICK_MS = 1_000;

/** What happens with the data of each named event, which is JSON. `message` is an event without a name. */
export type Handlers = Record<string, (data: never) => void>;

export interface LiveOptions {
  /** Silence after which what is shown counts as stale; the server's own pace of events decides it. */
  silence_ms_max?: number;
}

export class Live {
  state: 'connecting' | 'live' | 'stale' = $state('connecting');
  updated_at: Date | null = $state(null);
  /** Whole seconds since `updated_at`, ticking. */
  age_s: number | null = $state(null);

  readonly #url: string;
  readonly #handlers: Handlers;
  readonly #silence_ms_max: number;
  #source: EventSource | null = null;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #hide: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, handlers: Handlers, { silence_ms_max = Infinity }: LiveOptions = {}) {
    this.#url = url;
    this.#handlers = handlers;
    this.#silence_ms_max = silence_ms_max;
  }

  /** Starts, and gives back what ends it: `$effect(() => live.start())`. */
  start(): () => void {
    const seen = () => this.#seen();
    document.addEventListener('visibilitychange', seen);
    const ticking = setInterval(() => this.#tick(), TICK_MS);
    this.#connect();
    return () => {
      document.removeEventListener('visibilitychange', seen);
      clearInterval(ticking);
      clearTimeout(this.#hide);
      this.#disconnect();
    };
  }

  #connect(): void {
    this.#disconnect();
    const source = new EventSource(this.#url);
    this.#source = source;
    source.onopen = () => {
      this.#failures = 0;
      this.#fresh();
    };
    // The browser's own retries have neither backoff nor an end, so the stream is made anew instead.
    source.onerror = () => this.#lost();
    for (const [name, handle] of Object.entries(this.#handlers)) {
      source.addEventListener(name, (event) => {
        this.#fresh();
        handle(JSON.parse((event as MessageEvent<string>).data) as never);
      });
    }
  }

  #disconnect(): void {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }

  #lost(): void {
    this.#disconnect();
    if (this.updated_at !== null) this.state = 'stale';
    this.#retry = setTimeout(() => this.#connect(), retryDelay(this.#failures, Math.random()));
    this.#failures += 1;
  }

  #fresh(): void {
    this.state = 'live';
    this.updated_at = new Date();
    this.age_s = 0;
  }

  #tick(): void {
    if (this.updated_at === null) return;
    const age_ms = Date.now() - this.updated_at.getTime();
    this.age_s = Math.max(0, Math.floor(age_ms / 1_000));
    if (age_ms > this.#silence_ms_max) this.state = 'stale';
  }

  #seen(): void {
    clearTimeout(this.#hide);
    if (document.hidden) {
      this.#hide = setTimeout(() => {
        this.#disconnect();
        if (this.updated_at !== null) this.state = 'stale';
      }, HIDDEN_MS_MAX);
    } else if (this.#source === null) {
      this.#connect();
    }
  }
}

/** Doubles with each failure; the jitter (0 to 1) keeps many pages from coming back in one moment. */
export function retryDelay(failures: number, jitter: number): number {
  const full = Math.min(RETRY_MS_MAX, RETRY_MS_FIRST * 2 ** failures);
  return full / 2 + (full / 2) * jitter;
}
