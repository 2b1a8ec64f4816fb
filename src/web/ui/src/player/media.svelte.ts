// The video element as state: what it does now, and what it can be told. Where a film follows its release card, positions
// and lengths are the film's, and until the card has run nobody seeks or changes the speed.

import { preferences } from './preferences.svelte';

export type Range = readonly [start_s: number, end_s: number];

/** Further than this from the end nothing is sought: the last frame would be the end. */
const END_GUARD_S = 0.25;
/** A seek within the card that is no larger is hls.js getting over a hole. */
const CARD_NUDGE_S = 0.5;
/** The card has run when no more than this is left of it: less than a picture. */
const CARD_END_S = 0.02;
const CARD_LOOK_MS_MIN = 40;

export class Media {
  paused = $state(true);
  /** It wants to play and has nothing to. */
  waiting = $state(false);
  position_s = $state(0);
  duration_s = $state(0);
  buffered: readonly Range[] = $state.raw([]);
  volume = $state(preferences.get('volume'));
  muted = $state(preferences.get('muted'));
  rate = $state(1);
  /** How far a film is there that is still being packaged; `null` where all of it is. */
  there_s: number | null = $state(null);
  /** The release card runs. */
  locked = $state(false);
  /** Width by height of the picture, once known. */
  shape: number | null = $state(null);

  #video: HTMLVideoElement | null = null;
  #card_s = 0;
  #film_s = 0;
  /** How far into the card it has played. */
  #card_seen_s = 0;
  #card_over: () => void = () => undefined;
  #card_look: ReturnType<typeof setTimeout> | undefined;

  get video(): HTMLVideoElement | null {
    return this.#video;
  }

  /** Where in the film the element is at this moment. */
  get now_s(): number {
    return this.#inFilm(this.#video?.currentTime ?? 0);
  }

  /** Follows an element, and gives back what ends it. */
  follow(video: HTMLVideoElement): () => void {
    this.#video = video;
    video.volume = this.volume;
    video.muted = this.muted;
    const listening = new AbortController();
    const on = (names: readonly (keyof HTMLMediaElementEventMap)[], read: () => void) => {
      for (const name of names) video.addEventListener(name, read, { signal: listening.signal });
    };
    on(['play', 'pause', 'ended', 'emptied'], () => (this.paused = video.paused));
    on(['waiting'], () => (this.waiting = true));
    on(['playing', 'pause', 'ended', 'emptied', 'canplay'], () => (this.waiting = false));
    on(['timeupdate', 'seeking', 'seeked', 'emptied'], () => (this.position_s = this.now_s));
    on(['durationchange', 'emptied'], () => {
      // Of a film that grows the element may not know.
      if (video.duration === Infinity) this.duration_s = this.#film_s;
      else this.duration_s = Number.isFinite(video.duration) ? this.#inFilm(video.duration) : 0;
    });
    on(['progress', 'timeupdate', 'seeked', 'emptied'], () => {
      this.buffered = rangesOf(video.buffered).map(([from_s, to_s]) => [this.#inFilm(from_s), this.#inFilm(to_s)] as const);
    });
    // The system's own controls, and extensions, seek and speed up past ours.
    on(['timeupdate', 'seeking', 'ratechange', 'playing'], () => this.locked && this.#watchCard(video));
    on(['ratechange'], () => (this.rate = video.playbackRate));
    on(['resize', 'loadedmetadata'], () => (this.shape = video.videoHeight ? video.videoWidth / video.videoHeight : null));
    on(['volumechange'], () => {
      this.volume = video.volume;
      this.muted = video.muted;
    });
    return () => {
      listening.abort();
      this.#video = null;
    };
  }

  /** `false` where the browser wants a gesture first. */
  async play(): Promise<boolean> {
    try {
      await this.#video?.play();
      return true;
    } catch (error) {
      return !(error instanceof DOMException && error.name === 'NotAllowedError');
    }
  }

  pause(): void {
    this.#video?.pause();
  }

  toggle(): void {
    if (this.#video?.paused) void this.play();
    else this.pause();
  }

  /** What comes next opens with a card of this length, 0 for none; `over` hears once that it has run. */
  openWith(card_s: number, film_s: number, over: () => void): void {
    [this.#card_s, this.#film_s] = [card_s, film_s];
    this.there_s = null;
    this.#card_seen_s = 0;
    this.#card_over = over;
    this.locked = card_s > 0;
    if (this.#video && this.locked) this.#video.playbackRate = 1;
  }

  /** On the player's clock. */
  growTo(there_s: number | null): void {
    this.there_s = there_s === null ? null : this.#inFilm(there_s);
  }

  /** No further than the film is there. */
  seek(to_s: number): void {
    if (!this.#video || this.duration_s <= 0 || this.locked) return;
    const end_s = Math.min(this.duration_s, this.there_s ?? Infinity);
    this.#video.currentTime = this.#card_s + Math.max(0, Math.min(end_s - END_GUARD_S, to_s));
  }

  skip(by_s: number): void {
    this.seek(this.now_s + by_s);
  }

  setVolume(volume: number): void {
    if (!this.#video) return;
    const kept = Math.round(Math.max(0, Math.min(1, volume)) * 100) / 100;
    this.#video.volume = kept;
    this.#video.muted = kept === 0;
    [this.volume, this.muted] = [kept, kept === 0];
    preferences.set('volume', kept === 0 ? preferences.get('volume') : kept);
    preferences.set('muted', kept === 0);
  }

  toggleMuted(): void {
    if (!this.#video) return;
    this.#video.muted = !this.#video.muted;
    if (!this.#video.muted && this.#video.volume === 0) this.#video.volume = preferences.get('volume') || 1;
    preferences.set('muted', this.#video.muted);
  }

  setRate(rate: number): void {
    if (!this.#video || this.locked) return;
    this.#video.playbackRate = rate;
    // The element's own event comes later than the next press of a key may.
    this.rate = rate;
  }

  /** Takes the source away; what is buffered goes with it, at once. */
  empty(): void {
    const video = this.#video;
    if (!video) return;
    clearTimeout(this.#card_look);
    this.#card_s = 0;
    this.there_s = null;
    this.locked = false;
    const rate = video.playbackRate;
    video.pause();
    video.removeAttribute('src');
    video.load();
    video.playbackRate = rate;
    this.waiting = false;
  }

  #inFilm(at_s: number): number {
    return Math.max(0, at_s - this.#card_s);
  }

  #watchCard(video: HTMLVideoElement): void {
    clearTimeout(this.#card_look);
    if (video.playbackRate !== 1) video.playbackRate = 1;
    if (video.seeking) {
      if (Math.abs(video.currentTime - this.#card_seen_s) > CARD_NUDGE_S) video.currentTime = this.#card_seen_s;
      return;
    }
    this.#card_seen_s = video.currentTime;
    const left_s = this.#card_s - video.currentTime;
    if (left_s <= CARD_END_S) {
      this.locked = false;
      this.#card_over();
    } else if (!video.paused) {
      // The element tells where it is four times a second: too late for whoever goes on in the middle of the film.
      this.#card_look = setTimeout(() => this.locked && this.#watchCard(video), Math.max(CARD_LOOK_MS_MIN, left_s * 1_000));
    }
  }
}

function rangesOf(buffered: TimeRanges): Range[] {
  return Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)]);
}
