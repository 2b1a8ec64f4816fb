// One viewing: opens a playback session when Play is pressed, plays it with hls.js, and lets go of everything when the
// server ends it, when the viewer leaves, or when the media is refused.
//
//   idle --play--> opening --session--> playing --end of film--> idle
//                     \________ refused, ended, failed ________/ (with `trouble`)

import Hls, { ErrorTypes, Events, type ErrorData } from 'hls.js';
import workerUrl from 'hls.js/dist/hls.worker.js?url';
import { api, Failure, troubleOf, type PlaybackSession, type Trouble } from './api';
import { resumeIn } from './resume';

/** How often the position is kept while playing. */
const KEEP_EVERY_MS = 5_000;
/** How often a broken decoder is mended before it counts as broken. */
const MEDIA_RECOVERIES_MAX = 2;

export class Player {
  phase: 'idle' | 'opening' | 'playing' = $state('idle');
  trouble: Trouble | null = $state(null);
  /** Where Play would go on, in seconds. */
  resume_s: number | null = $state(null);

  readonly #title_id: string;
  readonly #resume = resumeIn(localStorage);
  #video: HTMLVideoElement | null = null;
  #session: PlaybackSession | null = null;
  #hls: Hls | null = null;
  #events: EventSource | null = null;
  #mediaRecoveries = 0;
  #keptAt = 0;
  /** Counts openings, so that an answer that comes after the viewer has left is given back. */
  #opening = 0;

  constructor(title_id: string) {
    this.#title_id = title_id;
    this.resume_s = this.#resume.read(title_id);
  }

  async play(video: HTMLVideoElement, from: 'resume' | 'start'): Promise<void> {
    if (this.phase !== 'idle') return;
    if (from === 'start') this.#resume.forget(this.#title_id);
    this.phase = 'opening';
    this.trouble = null;
    const opening = ++this.#opening;
    let session: PlaybackSession;
    try {
      session = await api.openPlayback(this.#title_id);
    } catch (error) {
      if (opening === this.#opening) this.#stop(error instanceof Failure ? error.trouble : { code: 'UNKNOWN' });
      return;
    }
    if (opening !== this.#opening) {
      api.closePlayback(session.id);
      return;
    }
    this.#session = session;
    this.#video = video;
    this.phase = 'playing';
    this.#follow(session);
    this.#attach(session, video, from === 'resume' ? this.resume_s : null);
  }

  /** Leaves without a word: the viewer went away, or signed out. */
  leave(): void {
    this.#opening += 1;
    this.#stop(null);
  }

  /** The film's own end: the slot is given back. */
  finished(): void {
    this.#resume.forget(this.#title_id);
    this.#stop(null);
  }

  keepPosition(force: boolean): void {
    const video = this.#video;
    // At zero nothing has played yet, and a position to resume from must survive that.
    if (!video || video.currentTime === 0 || video.seeking) return;
    const now = performance.now();
    if (!force && now - this.#keptAt < KEEP_EVERY_MS) return;
    this.#keptAt = now;
    this.#resume.write(this.#title_id, video.currentTime, video.duration);
  }

  /** The server's own word on this session; it reaches us also while everything is buffered. */
  #follow(session: PlaybackSession): void {
    const events = new EventSource(session.events_url);
    this.#events = events;
    events.addEventListener('ended', (event) => {
      const { code, message, request_id } = JSON.parse(event.data as string) as Record<string, string | undefined>;
      this.#stop({ code: code ?? 'SESSION_REVOKED', detail: message, request_id: request_id ?? session.id });
    });
    // A lost connection is taken up again by the browser; a refused one stays closed, and then the media is refused too.
  }

  #attach(session: PlaybackSession, video: HTMLVideoElement, start_s: number | null): void {
    if (!Hls.isSupported()) {
      // Safari on a phone plays HLS itself.
      video.src = session.playback_url;
      if (start_s !== null) video.currentTime = start_s;
      video.onerror = () => this.#stop({ code: 'MEDIA', detail: video.error?.message, request_id: session.id });
      void this.#start(video);
      return;
    }
    const hls = new Hls({
      workerPath: workerUrl,
      startPosition: start_s ?? -1,
      // The seconds behind the playhead need not be kept; those ahead bound what a revoked session could still show.
      backBufferLength: 30,
      maxBufferLength: 30,
      capLevelToPlayerSize: true,
    });
    this.#hls = hls;
    hls.on(Events.ERROR, (_, data) => this.#failed(hls, data, session));
    hls.once(Events.MANIFEST_PARSED, () => void this.#start(video));
    hls.loadSource(session.playback_url);
    hls.attachMedia(video);
  }

  async #start(video: HTMLVideoElement): Promise<void> {
    try {
      await video.play();
    } catch {
      // The browser wants another gesture: its own controls are there.
    }
  }

  #failed(hls: Hls, data: ErrorData, session: PlaybackSession): void {
    if (hls !== this.#hls) return;
    const status = data.response?.code ?? 0;
    // A refusal holds for the whole session, whichever file it met first: waiting would only play out the buffer.
    if (status === 401 || status === 403 || (data.fatal && status >= 400)) {
      const trouble = troubleOf(status, bodyOf(data.networkDetails), requestIdOf(data.networkDetails) ?? session.id);
      this.#stop(status === 401 ? { ...trouble, means: 'SESSION_EXPIRED' } : trouble);
      return;
    }
    if (!data.fatal) return;
    if (data.type === ErrorTypes.MEDIA_ERROR && this.#mediaRecoveries < MEDIA_RECOVERIES_MAX) {
      this.#mediaRecoveries += 1;
      hls.recoverMediaError();
      return;
    }
    const code = data.type === ErrorTypes.NETWORK_ERROR ? 'NETWORK' : 'MEDIA';
    this.#stop({ code, detail: data.details, request_id: session.id });
  }

  #stop(trouble: Trouble | null): void {
    this.keepPosition(true);
    this.#events?.close();
    this.#hls?.destroy();
    const video = this.#video;
    if (video) {
      // What is buffered goes with the source, at once.
      video.onerror = null;
      video.pause();
      video.removeAttribute('src');
      video.load();
      if (document.fullscreenElement) void document.exitFullscreen();
    }
    if (this.#session) api.closePlayback(this.#session.id);
    this.#events = null;
    this.#hls = null;
    this.#video = null;
    this.#session = null;
    this.#mediaRecoveries = 0;
    this.phase = 'idle';
    this.trouble = trouble;
    this.resume_s = this.#resume.read(this.#title_id);
  }
}

/** The refused answer's body, as far as hls.js hands it over. */
function bodyOf(details: unknown): string {
  if (!(details instanceof XMLHttpRequest)) return '';
  if (details.responseType === '' || details.responseType === 'text') return details.responseText;
  return details.response instanceof ArrayBuffer ? new TextDecoder().decode(details.response) : '';
}

function requestIdOf(details: unknown): string | null {
  return details instanceof XMLHttpRequest ? details.getResponseHeader('x-request-id') : null;
}
