// The operator's live feed: one stream for every page that shows something live. It runs while a page follows it:
// `$effect(() => feed.follow(zone, currency))`.

import { Live } from '../lib/live.svelte';
import { queryOf } from './api';
import type { Board, Order } from './api/board';
import { me } from './me.svelte';

/** The server sends a board every 15 s at least. */
const SILENCE_MS_MAX = 20_000;
const ORDERS_MAX = 40;

class Feed {
  board: Board | null = $state.raw(null);
  /** Newest first. */
  orders: readonly Order[] = $state.raw([]);
  /** Counts sessions that opened or ended. */
  sessions = $state(0);
  #live: Live | null = $state.raw(null);
  readonly #jobs = new Set<(job: never) => void>();
  #url = '';
  #followers = 0;
  #stop: (() => void) | null = null;

  get state(): Live['state'] {
    return this.#live?.state ?? 'connecting';
  }
  get age_s(): number | null {
    return this.#live?.age_s ?? null;
  }

  /** Gives back what ends it. The last page's zone and currency win. */
  follow(zone: string | null, currency: string | null): () => void {
    const url = `/api/v1/operator/feed${queryOf({ zone, currency })}`;
    this.#followers += 1;
    if (url !== this.#url) {
      this.#stop?.();
      this.#start(url);
    }
    let following = true;
    return () => {
      if (!following) return;
      following = false;
      this.#followers -= 1;
      // Another page may follow in the same moment.
      queueMicrotask(() => {
        if (this.#followers === 0) this.#end();
      });
    };
  }

  /** Calls `handle` with each packaging job that moves, while the feed runs. */
  onJob<Job>(handle: (job: Job) => void): () => void {
    this.#jobs.add(handle as (job: never) => void);
    return () => this.#jobs.delete(handle as (job: never) => void);
  }

  /** Orders from before the stream began; what the stream said since is newer. */
  remember(orders: readonly Order[]): void {
    const known = new Set(this.orders.map(({ id }) => id));
    this.orders = [...this.orders, ...orders.filter(({ id }) => !known.has(id))].slice(0, ORDERS_MAX);
  }

  #start(url: string): void {
    if (this.#url !== '') this.board = null;
    this.#url = url;
    const live = new Live(
      url,
      {
        board: (board: Board) => (this.board = board),
        order: (order: Order) => (this.orders = withOrder(this.orders, order)),
        session: () => (this.sessions += 1),
        job: (job: never) => this.#jobs.forEach((handle) => handle(job)),
      },
      { silence_ms_max: SILENCE_MS_MAX },
    );
    this.#live = live;
    const end_live = live.start();
    // A stream does not say why it broke: whether the sign-in is over is asked.
    const end_watch = $effect.root(() => {
      $effect(() => {
        if (live.state === 'stale') void me.load();
      });
    });
    this.#stop = () => {
      end_watch();
      end_live();
    };
  }

  #end(): void {
    this.#stop?.();
    this.#stop = null;
    this.#url = '';
    this.#live = null;
  }
}

/** An order that is told of again, because it was paid or refunded, moves to the front. */
export function withOrder(orders: readonly Order[], order: Order): Order[] {
  return [order, ...orders.filter(({ id }) => id !== order.id)].slice(0, ORDERS_MAX);
}

export const feed = new Feed();
