// A film by the browser's own HLS: it chooses rungs and retries by itself, and says little about why it failed.

import { inLanguage } from '../lib/hearing';
import { troubleOf, type Trouble } from '../lib/http';
import { preferences } from './preferences.svelte';
import type { Listener, OpenStream, Source, Stream } from './stream';
import type { Language } from './tracks.svelte';
import { Withheld } from './withheld';

export const openNative: OpenStream = (video, source, listener) => new NativeStream(video, source, listener);

class NativeStream implements Stream {
  readonly #video: HTMLVideoElement;
  readonly #source: Source;
  readonly #listening = new AbortController();
  readonly #withheld: Withheld;
  #mended = false;

  constructor(video: HTMLVideoElement, source: Source, listener: Listener) {
    this.#video = video;
    this.#source = source;
    this.#withheld = new Withheld(source.keys_at_ms);
    const { signal } = this.#listening;
    video.addEventListener('loadedmetadata', () => this.#start(), { signal });
    video.addEventListener('error', () => this.#failed(listener), { signal });
    const grow = () => this.#grow(listener);
    for (const event of ['durationchange', 'progress'] as const) video.addEventListener(event, grow, { signal });
    video.textTracks.addEventListener('addtrack', () => this.#readCaptions(), { signal });
    source.tracks.filledBy({
      rung: () => undefined,
      audio: () => undefined,
      captions: (id) => {
        for (const [at, track] of this.#captions().entries()) track.mode = at === id ? 'hidden' : 'disabled';
      },
    });
    video.src = source.url;
  }

  destroy(): void {
    this.#listening.abort();
    this.#withheld.end();
  }

  #start(): void {
    if (this.#source.start_s !== null) this.#video.currentTime = this.#source.start_s;
    this.#readCaptions();
  }

  /** A film that grows lasts for ever, to the browser. */
  #grow(listener: Listener): void {
    const { duration, seekable } = this.#video;
    const grows = duration === Infinity && seekable.length > 0;
    listener.grown(grows ? seekable.end(seekable.length - 1) : null);
  }

  #captions(): TextTrack[] {
    return [...this.#video.textTracks].filter(({ kind }) => kind === 'subtitles' || kind === 'captions');
  }

  #readCaptions(): void {
    const { tracks } = this.#source;
    tracks.captions = this.#captions().map(({ language, label }, id): Language => {
      return { id, tag: language || 'und', name: label };
    });
    tracks.chooseCaptions(inLanguage(tracks.captions, preferences.get('captions'))?.id ?? null);
  }

  #failed(listener: Listener): void {
    const { error } = this.#video;
    const code = error?.code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED ? 'UNSUPPORTED' : 'MEDIA';
    listener.erred(code, this.#mended);
    if (!this.#mended) {
      this.#mended = true;
      this.#source.start_s = this.#video.currentTime || this.#source.start_s;
      // It may have asked for the film's key while the card ran, and taken the answer for the last word.
      this.#withheld.then(() => {
        this.#video.load();
        void this.#video.play().catch(() => undefined);
      });
      return;
    }
    void this.#told().then((told) => {
      if (this.#listening.signal.aborted) return;
      listener.failed(told ?? { code, detail: error?.message, request_id: this.#source.session_id });
    });
  }

  /** What the server says of the film now: the browser keeps that to itself. */
  async #told(): Promise<Trouble | null> {
    try {
      const answer = await fetch(this.#source.url, { signal: this.#listening.signal });
      return answer.ok ? null : troubleOf(answer.status, await answer.text(), answer.headers.get('x-request-id'));
    } catch {
      return null;
    }
  }
}
