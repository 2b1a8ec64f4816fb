// One way of getting a film into the video element: with hls.js where there is Media Source Extensions, else with the
// browser's own HLS (Safari on a phone).

import type { Trouble } from '../lib/http';
import type { Rung, Tracks } from './tracks.svelte';

export interface Source {
  session_id: string;
  title_id: string;
  url: string;
  /** Where to start on the player's clock; `null` is its beginning. */
  start_s: number | null;
  /** Where all of it ends on the player's clock, also while it is not there yet; 0 where nobody knows. */
  end_s: number;
  /** Before this instant on the page's monotonic clock the film's keys are withheld: its release card runs. */
  keys_at_ms: number;
  /** The language that this viewing was opened for, where one was asked for. */
  sound: string | null;
  tracks: Tracks;
}

/** What can be waited for. */
export type Away = 'network' | 'film';

/** What a stream tells. After `refused` and `failed` it is of no more use. */
export interface Listener {
  /** The server says no, in words of its own. */
  refused(status: number, trouble: Trouble): void;
  /** Everything that could mend it was tried. */
  failed(trouble: Trouble): void;
  /** The network, or the film, went away; the stream tries again by itself. */
  lost(what: Away): void;
  found(): void;
  /** How far a film is there that is still being packaged, on the player's clock; `null` once all of it is. */
  grown(there_s: number | null): void;
  /** Another rung is on the screen. */
  switched(rung: Rung): void;
  /** For the record; it may have been mended. */
  erred(code: string, fatal: boolean): void;
}

export interface Stream {
  /** Asks for nothing more; what is there plays on. Absent where the browser alone decides what it asks for. */
  rest?(): void;
  /** There are further tracks to choose from: takes them in while it plays. Absent where only the browser could. */
  readAgain?(): void;
  /** Ends it; the element's source is the caller's to take away. */
  destroy(): void;
}

export type OpenStream = (video: HTMLVideoElement, source: Source, listener: Listener) => Stream;

/** `null` where this browser can play no film of ours. */
export async function loadStream(): Promise<OpenStream | null> {
  if (hasMediaSource()) {
    const { openHls, isSupported } = await import('./hls_stream');
    if (isSupported()) return openHls;
  }
  if (document.createElement('video').canPlayType('application/vnd.apple.mpegurl') === '') return null;
  return (await import('./native_stream')).openNative;
}

/** Fetches what Play will need, while the viewer still reads. */
export function preloadStream(): void {
  // A failure shows when Play is pressed, and is tried again there.
  loadStream().catch(() => undefined);
}

function hasMediaSource(): boolean {
  return 'ManagedMediaSource' in window || 'MediaSource' in window;
}
