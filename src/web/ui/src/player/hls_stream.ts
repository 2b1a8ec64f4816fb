// A film by hls.js. This file and hls.js are one chunk, loaded when somebody is about to play.

import Hls, { ErrorDetails, ErrorTypes, Events, type ErrorData, type Level } from 'hls.js';
import workerUrl from 'hls.js/dist/hls.worker.js?url';
import { troubleOf } from '../lib/http';
import { preferences } from './preferences.svelte';
import { keyLoader } from './key_loader';
import { licensing } from './sealed';
import type { Listener, OpenStream, Source, Stream } from './stream';
import { inLanguage, type Language, type Rung } from './tracks.svelte';
import { Withheld } from './withheld';

/** A decoder that breaks again so soon after it was mended is broken. */
const MENDED_FOR_MS_MIN = 10_000;
/** Until the film moves, only what it needs for that is fetched. */
const BUFFER_S_FIRST = 6;
const BUFFER_S = 30;
const RETRY_MS_FIRST = 1_000;
const RETRY_MS_MAX = 8_000;
const LOST_MS_MAX = 120_000;

export const isSupported = (): boolean => Hls.isSupported();

export const openHls: OpenStream = (video, source, listener) => new HlsStream(video, source, listener);

class HlsStream implements Stream {
  readonly #hls: Hls;
  readonly #source: Source;
  readonly #listener: Listener;
  readonly #withheld: Withheld;
  #mended_at = -Infinity;
  #lost_at: number | null = null;
  #retries = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #online = () => this.#again();

  constructor(video: HTMLVideoElement, source: Source, listener: Listener) {
    this.#source = source;
    this.#listener = listener;
    this.#withheld = new Withheld(source.keys_at_ms);
    const hls = new Hls({
      workerPath: workerUrl,
      startPosition: source.start_s ?? -1,
      lowLatencyMode: false,
      // The seconds behind the playhead need not be kept; those ahead bound what a revoked session could still show.
      backBufferLength: 30,
      maxBufferLength: BUFFER_S_FIRST,
      capLevelToPlayerSize: true,
      // The first segment is the first picture: its rung comes from what the last viewing measured, not from a trial.
      startFragPrefetch: true,
      testBandwidth: false,
      abrEwmaDefaultEstimate: preferences.get('bandwidth_bps'),
      abrEwmaDefaultEstimateMax: 20_000_000,
      ...audioPreference(),
      loader: keyLoader(this.#withheld),
      ...licensing(source.url, this.#withheld),
      cmcd: { useHeaders: true, sessionId: source.session_id, contentId: source.title_id },
    });
    this.#hls = hls;
    hls.subtitleDisplay = false;
    hls.on(Events.ERROR, (_, data) => this.#failed(data));
    hls.on(Events.MANIFEST_PARSED, () => this.#readRungs());
    hls.on(Events.LEVELS_UPDATED, () => this.#readRungs());
    hls.on(Events.LEVEL_SWITCHED, (_, { level }) => this.#switched(level));
    hls.on(Events.AUDIO_TRACKS_UPDATED, () => this.#readAudio());
    hls.on(Events.AUDIO_TRACK_SWITCHED, () => this.#readAudio());
    hls.on(Events.KEY_LOADING, (_, { frag }) => this.#fetchAhead(frag.url));
    // hls.js makes its own choice right after it tells of the tracks; the viewer's comes after that.
    hls.on(Events.SUBTITLE_TRACKS_UPDATED, () => queueMicrotask(() => this.#readCaptions()));
    for (const event of [Events.FRAG_LOADED, Events.LEVEL_LOADED, Events.MANIFEST_LOADED] as const) {
      hls.on(event, () => this.#found());
    }
    source.tracks.filledBy({
      rung: (id) => (hls.nextLevel = id ?? -1),
      audio: (id) => (hls.audioTrack = id),
      captions: (id) => (hls.subtitleTrack = id ?? -1),
    });
    video.addEventListener('playing', () => (hls.config.maxBufferLength = BUFFER_S), { once: true });
    addEventListener('online', this.#online);
    hls.loadSource(source.url);
    hls.attachMedia(video);
  }

  rest(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#hls.stopLoad();
  }

  destroy(): void {
    removeEventListener('online', this.#online);
    clearTimeout(this.#retry);
    this.#withheld.end();
    const measured_bps = this.#hls.bandwidthEstimate;
    if (this.#lost_at === null && measured_bps > 0) preferences.set('bandwidth_bps', Math.round(measured_bps));
    this.#hls.destroy();
  }

  /** hls.js asks for a segment once it has its key: while that is withheld, the browser's cache gets it already. */
  #fetchAhead(url: string): void {
    if (this.#withheld.is_over) return;
    void fetch(url).then((answer) => answer.arrayBuffer()).catch(() => undefined);
  }

  /** Each picture is listed once for every audio group; a viewer chooses among those of the sound that plays. */
  #readRungs(): void {
    const { levels } = this.#hls;
    const group = groupOf(levels[Math.max(0, this.#hls.currentLevel)]);
    this.#source.tracks.rungs = levels
      .map(rungOf)
      .filter(({ id }) => groupOf(levels[id]) === group)
      .sort((a, b) => b.height - a.height || b.bitrate_bps - a.bitrate_bps);
  }

  #switched(id: number): void {
    const level = this.#hls.levels[id];
    if (!level) return;
    this.#readRungs();
    const rung = rungOf(level, id);
    this.#source.tracks.rung_playing = rung;
    this.#listener.switched(rung);
  }

  #readAudio(): void {
    this.#source.tracks.audio = this.#hls.audioTracks.map(languageOf);
    this.#source.tracks.audio_chosen = this.#hls.audioTrack < 0 ? null : this.#hls.audioTrack;
  }

  #readCaptions(): void {
    const { tracks } = this.#source;
    tracks.captions = this.#hls.subtitleTracks.map(languageOf);
    const wanted = inLanguage(tracks.captions, preferences.get('captions'));
    tracks.chooseCaptions(wanted?.id ?? null);
  }

  #failed(data: ErrorData): void {
    const status = data.response?.code ?? 0;
    this.#listener.erred(data.details, data.fatal);
    // A refusal holds for the whole session, whichever file it met first: waiting would only play out the buffer.
    if (status === 401 || status === 403 || (data.fatal && status >= 400 && status < 500 && status !== 429)) {
      const request_id = requestIdOf(data.networkDetails) ?? this.#source.session_id;
      this.#listener.refused(status, troubleOf(status, bodyOf(data.networkDetails), request_id));
      return;
    }
    if (data.type === ErrorTypes.NETWORK_ERROR) {
      if (data.fatal || status === 0) this.#lost();
      if (data.fatal) this.#retryLater();
      return;
    }
    if (!data.fatal) return;
    const trouble = { detail: `${data.details}: ${data.error.message}`, request_id: this.#source.session_id };
    if (UNSUPPORTED.has(data.details)) {
      this.#listener.failed({ code: 'UNSUPPORTED', ...trouble });
    } else if (data.type === ErrorTypes.MEDIA_ERROR && performance.now() - this.#mended_at > MENDED_FOR_MS_MIN) {
      this.#mended_at = performance.now();
      this.#hls.recoverMediaError();
    } else {
      this.#listener.failed({ code: 'MEDIA', ...trouble });
    }
  }

  #lost(): void {
    if (this.#lost_at !== null) return;
    this.#lost_at = performance.now();
    this.#listener.lost();
  }

  #found(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#retries = 0;
    if (this.#lost_at === null) return;
    this.#lost_at = null;
    this.#listener.found();
  }

  #retryLater(): void {
    if (this.#lost_at !== null && performance.now() - this.#lost_at > LOST_MS_MAX) {
      this.#listener.failed({ code: 'NETWORK', request_id: this.#source.session_id });
      return;
    }
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#again(), Math.min(RETRY_MS_MAX, RETRY_MS_FIRST * 2 ** this.#retries));
    this.#retries += 1;
  }

  #again(): void {
    if (this.#retry === undefined) return;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    if (this.#hls.levels.length === 0) this.#hls.loadSource(this.#source.url);
    else this.#hls.startLoad();
  }
}

const UNSUPPORTED: ReadonlySet<string> = new Set([
  ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR,
  ErrorDetails.BUFFER_ADD_CODEC_ERROR,
  ErrorDetails.BUFFER_INCOMPATIBLE_CODECS_ERROR,
  ErrorDetails.ATTACH_MEDIA_ERROR,
  ErrorDetails.KEY_SYSTEM_NO_ACCESS,
]);

function audioPreference(): { audioPreference?: { lang: string } } {
  const lang = preferences.get('audio');
  return lang === null ? {} : { audioPreference: { lang } };
}

const groupOf = (level: Level | undefined) => level?.audioGroups?.[0];

function rungOf({ width, height, averageBitrate, bitrate }: Level, id: number): Rung {
  return { id, width, height, bitrate_bps: averageBitrate || bitrate };
}

function languageOf({ lang, name }: { lang?: string; name: string }, id: number): Language {
  return { id, tag: lang ?? 'und', name };
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
