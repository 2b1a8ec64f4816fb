// The video element as state: what it does now, and what it can be told.

import { preferences } from './preferences.svelte';

export type Range = readonly [start_s: number, end_s: number];

/** Further than this from the end nothing is sought: the last frame would be the end. */
const END_GUARD_S = 0.25;

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
  /** Width by height of the picture, once known. */
  shape: number | null = $state(null);

  #video: HTMLVideoElement | null = null;

  get video(): HTMLVideoElement | null {
    return this.#video;
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
    on(['timeupdate', 'seeking', 'seeked', 'emptied'], () => (this.position_s = video.currentTime));
    on(['durationchange', 'emptied'], () => (this.duration_s = Number.isFinite(video.duration) ? video.duration : 0));
    on(['progress', 'timeupdate', 'seeked', 'emptied'], () => (this.buffered = rangesOf(video.buffered)));
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

  seek(to_s: number): void {
    if (!this.#video || this.duration_s <= 0) return;
    this.#video.currentTime = Math.max(0, Math.min(this.duration_s - END_GUARD_S, to_s));
  }

  skip(by_s: number): void {
    this.seek((this.#video?.currentTime ?? 0) + by_s);
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
    if (!this.#video) return;
    this.#video.playbackRate = rate;
    // The element's own event comes later than the next press of a key may.
    this.rate = rate;
  }

  /** Takes the source away; what is buffered goes with it, at once. */
  empty(): void {
    const video = this.#video;
    if (!video) return;
    const rate = video.playbackRate;
    video.pause();
    video.removeAttribute('src');
    video.load();
    video.playbackRate = rate;
    this.waiting = false;
  }
}

function rangesOf(buffered: TimeRanges): Range[] {
  return Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)]);
}
