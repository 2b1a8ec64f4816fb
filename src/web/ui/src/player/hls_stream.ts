// A film by hls.js. This file and hls.js are one chunk, loaded when somebody is about to play.

import Hls, {
  ErrorDetails,
  ErrorTypes,
  Events,
  type ErrorData,
  type Level,
  type LevelDetails,
  type MediaAttachingData,
} from 'hls.js';
import workerUrl from 'hls.js/dist/hls.worker.js?url';
import { inLanguage } from '../lib/hearing';
import { troubleOf } from '../lib/http';
import { preferences } from './preferences.svelte';
import { keyLoader } from './key_loader';
import { licensing } from './sealed';
import type { Away, Listener, OpenStream, Source, Stream } from './stream';
import type { Language, Rung } from './tracks.svelte';
import { Withheld } from './withheld';

/** A decoder that breaks again so soon after it was mended is broken. */
const MENDED_FOR_MS_MIN = 10_000;
/** Until the film moves, only what it needs for that is fetched. */
const BUFFER_S_FIRST = 6;
const BUFFER_S = 30;
const RETRY_MS_FIRST = 1_000;
const RETRY_MS_MAX = 8_000;
/** A server that died works on at its film a minute after it is back. */
const LOST_MS_MAX: Record<Away, number> = { network: 120_000, film: 300_000 };

export const isSupported = (): boolean => Hls.isSupported();

export const openHls: OpenStream = (video, source, listener) => new HlsStream(video, source, listener);

class HlsStream implements Stream {
  readonly #hls: Hls;
  readonly #source: Source;
  readonly #listener: Listener;
  readonly #withheld: Withheld;
  /** Before this hls.js does not know what is buffered: it was kept when the playlists were read again. */
  #kept_to_s = 0;
  /** How far picture and sound are there, of those that are still added to. */
  readonly #edges_s: { picture?: number; sound?: number } = {};
  #grows = false;
  /** Until the viewer chooses another one in the player, which is kept for all films. */
  #sound: string | null;
  #mended_at = -Infinity;
  #lost: { at: number; what: Away } | null = null;
  #retries = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #online = () => this.#again();

  constructor(video: HTMLVideoElement, source: Source, listener: Listener) {
    this.#source = source;
    this.#listener = listener;
    this.#withheld = new Withheld(source.keys_at_ms);
    this.#sound = source.sound;
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
      ...audioPreference(this.#sound),
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
    hls.on(Events.LEVEL_UPDATED, (_, { details }) => this.#grown('picture', details));
    hls.on(Events.AUDIO_TRACK_UPDATED, (_, { details }) => this.#grown('sound', details));
    for (const event of [Events.FRAG_LOADED, Events.LEVEL_LOADED, Events.MANIFEST_LOADED] as const) {
      hls.on(event, () => this.#found());
    }
    source.tracks.filledBy({
      rung: (id) => this.#chooseRung(id),
      audio: (id) => {
        this.#sound = null;
        hls.audioTrack = id;
      },
      captions: (id) => (hls.subtitleTrack = id ?? -1),
    });
    video.addEventListener('playing', () => (hls.config.maxBufferLength = BUFFER_S), { once: true });
    addEventListener('online', this.#online);
    hls.loadSource(source.url);
    hls.attachMedia(this.#whole({ media: video }));
  }

  rest(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#hls.stopLoad();
  }

  /** What is buffered stays, and the element plays on while the playlists are read anew. */
  readAgain(): void {
    const { tracks } = this.#source;
    // Keys of the browser's own module are lost in that.
    if (!this.#hls.media || this.#hls.media.mediaKeys) return;
    const chosen = tracks.rung_chosen === null ? undefined : this.#hls.levels[tracks.rung_chosen]?.uri;
    if (chosen !== undefined) {
      this.#hls.once(Events.MANIFEST_PARSED, () => {
        const same = tracks.rungs.find(({ id }) => this.#hls.levels[id]?.uri === chosen);
        tracks.rung_chosen = same?.id ?? null;
        this.#hls.loadLevel = same?.id ?? -1;
      });
    }
    Object.assign(this.#hls.config, audioPreference(this.#sound), { startPosition: this.#hls.media.currentTime });
    const { buffered } = this.#hls.media;
    this.#kept_to_s = buffered.length > 0 ? buffered.end(buffered.length - 1) : 0;
    const kept = this.#hls.transferMedia();
    if (!kept) return;
    this.#hls.loadSource(this.#source.url);
    this.#hls.attachMedia(this.#whole(kept));
  }

  /** Its length is that of the whole film while only a part is there: where that ends is not the end of the film. */
  #whole(attached: MediaAttachingData): MediaAttachingData {
    const [hls, { end_s }] = [this.#hls, this.#source];
    const overrides = {
      /** 0 leaves it to hls.js. */
      get duration() {
        return hls.latestLevelDetails?.live ? end_s : 0;
      },
    };
    return { ...attached, overrides };
  }

  destroy(): void {
    removeEventListener('online', this.#online);
    clearTimeout(this.#retry);
    this.#withheld.end();
    const measured_bps = this.#hls.bandwidthEstimate;
    if (this.#lost === null && measured_bps > 0) preferences.set('bandwidth_bps', Math.round(measured_bps));
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

  /** From the next segment on; in what was kept hls.js knows of none, and fetches all of it anew. */
  #chooseRung(id: number | null): void {
    const is_kept = (this.#hls.media?.currentTime ?? 0) < this.#kept_to_s;
    if (id !== null && is_kept) this.#hls.currentLevel = id;
    else this.#hls.nextLevel = id ?? -1;
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

  #grown(what: 'picture' | 'sound', { live, edge }: LevelDetails): void {
    if (live) this.#edges_s[what] = edge;
    else delete this.#edges_s[what];
    const edges_s = Object.values(this.#edges_s);
    if (edges_s.length === 0 && !this.#grows) return;
    this.#grows = edges_s.length > 0;
    this.#listener.grown(this.#grows ? Math.min(...edges_s) : null);
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
      const trouble = status === 503 ? troubleOf(status, bodyOf(data.networkDetails), requestIdOf(data.networkDetails)) : null;
      if (trouble?.code === 'FILM_INTERRUPTED') {
        // Whoever sees nothing yet is told at once.
        if (this.#hls.levels.length === 0) return this.#listener.failed(trouble);
        this.#lose('film');
      } else if (data.fatal || status === 0) {
        this.#lose('network');
      }
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

  #lose(what: Away): void {
    if (this.#lost?.what === what) return;
    this.#lost = { at: performance.now(), what };
    this.#listener.lost(what);
  }

  #found(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#retries = 0;
    if (this.#lost === null) return;
    this.#lost = null;
    this.#listener.found();
  }

  #retryLater(): void {
    if (this.#lost !== null && performance.now() - this.#lost.at > LOST_MS_MAX[this.#lost.what]) {
      const code = this.#lost.what === 'film' ? 'FILM_INTERRUPTED' : 'NETWORK';
      this.#listener.failed({ code, request_id: this.#source.session_id });
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

function audioPreference(sound: string | null): { audioPreference?: { lang: string } } {
  const lang = sound ?? preferences.get('audio');
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
