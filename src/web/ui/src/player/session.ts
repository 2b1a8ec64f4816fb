// One playback session: opened by Play, followed while it lasts, and given back.

import { api, type PlaybackSession } from '../lib/api';
import type { Trouble } from '../lib/http';

export class Session {
  readonly body: PlaybackSession;
  readonly #events: EventSource;
  /** The server's clock less ours: reminders go by the server's. */
  #ahead_ms = 0;
  #closed = false;

  /** Both are the server's own word; it reaches us also while everything is buffered. */
  constructor(body: PlaybackSession, hears: { ended: (trouble: Trouble) => void; more: () => void }) {
    this.body = body;
    this.#events = new EventSource(body.events_url);
    this.#events.addEventListener('heartbeat', (event) => {
      const { at } = JSON.parse(event.data as string) as { at?: string };
      const server_ms = Date.parse(at ?? '');
      if (Number.isFinite(server_ms)) this.#ahead_ms = server_ms - Date.now();
    });
    this.#events.addEventListener('ended', (event) => {
      const { code, message, request_id } = JSON.parse(event.data as string) as Record<string, string | undefined>;
      this.#events.close();
      hears.ended({ code: code ?? 'SESSION_REVOKED', detail: message, request_id: request_id ?? body.id });
    });
    this.#events.addEventListener('more', () => hears.more());
    // A lost stream is taken up again by the browser; a refused one stays closed, and then the media is refused too.
  }

  left_ms(ends_at: string): number {
    return Date.parse(ends_at) - (Date.now() + this.#ahead_ms);
  }

  /** Gives the stream slot back; it outlives the page. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events.close();
    api.closePlayback(this.body.id);
  }
}
