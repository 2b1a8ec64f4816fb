// One title being watched: opens a session when Play is pressed, plays it, keeps the position, records how it went, and
// lets go of everything when the server ends it, when the viewer leaves, or when the media is refused. No view in here.
//
//   idle --play--> opening --first frame--> playing --end of the part--> ended --play--> opening …
//    ^                \________ refused, ended, failed, left ____/ (with `trouble`, unless left)
//    \______________________________/
//
// A session that has run its time, or whose server restarts, is opened anew without leaving `playing`.

import { api, type PlaybackSession } from '../lib/api';
import { Failure, troubleIn, type Trouble } from '../lib/http';
import { firstFrame } from './first_frame';
import { Media } from './media.svelte';
import { Progress, type Position } from './progress';
import { Recorder } from './recorder';
import { Reminders } from './reminders';
import { keptIn } from './resume';
import { Session } from './session';
import { Stalls } from './stalls';
import { loadStream, type Away, type Listener, type OpenStream, type Stream } from './stream';
import { clipOf, type Teaser } from './teaser';
import { Tracks } from './tracks.svelte';

export type Phase = 'idle' | 'opening' | 'playing' | 'ended';

/** What to play. Teasers need no right, and their position is nobody's progress. */
export type Program = { part: number } | Teaser;

const TICK_MS = 1_000;
const POSITION_EVERY_TICKS = 10;
/** A session that ends so soon after it was opened anew is not opened again. */
const REOPENED_FOR_MS_MIN = 60_000;
/** How a restarting server is waited for. */
const REOPEN_AFTER_MS = [0, 1_000, 2_000, 4_000, 8_000, 8_000];
/** A session may be had again for the same right: the URL ran out, or the server restarts. */
const REOPENED = new Set(['SESSION_EXPIRED', 'TOKEN_EXPIRED', 'SERVER_DRAINING']);

export class Engine {
  phase: Phase = $state('idle');
  trouble: Trouble | null = $state(null);
  program: Program = $state({ part: 1 });
  /** What went away, the server being part of the network; it is being tried again. */
  away: Away | null = $state(null);
  /** The browser wants a gesture before it plays. */
  blocked = $state(false);
  session: PlaybackSession | null = $state.raw(null);
  /** When viewing ends, as things stand. */
  ends_at: string | null = $state(null);
  /** Minutes of viewing time left, from the moment that is worth saying. */
  reminder_minutes: number | null = $state(null);
  /** Of the account's parental lock, once the viewer has entered it for this title. */
  pin: string | null = null;
  readonly media = new Media();
  readonly tracks = new Tracks();

  readonly #title_id: string;
  /** Whose positions are kept: whoever is signed in when Play is pressed. */
  readonly #viewer_id: () => string | null;
  /** In which language the film should be heard, where that is asked for. */
  readonly #sound: () => string | null;
  readonly #recorder = new Recorder({ send: api.sendTelemetry, beacon: api.beaconTelemetry, now: () => performance.now() });
  #progress: Progress | null = null;
  #stalls = this.#newStalls();
  #reminders = new Reminders();
  #lease: Session | null = null;
  #stream: Stream | null = null;
  #openStream: OpenStream | null = null;
  #listening: AbortController | null = null;
  #ticking: ReturnType<typeof setInterval> | undefined;
  /** Counts viewings, so that an answer that comes after the viewer has left is given back. */
  #viewing = 0;
  #reopened_at = -Infinity;
  /** While another session is asked for, what is refused to the old one's stream is no news: it has been given back. */
  #reopening = false;
  #pressed_at = 0;
  #start_s: number | null = null;
  /** Where the player's clock was before the seek that is under way. */
  #seen_s = 0;
  #sought_from_s: number | null = null;
  #suspended: { program: Program; at_s: number | null; playing: boolean } | null = null;

  constructor(title_id: string, viewer_id: () => string | null, sound: () => string | null) {
    this.#title_id = title_id;
    this.#viewer_id = viewer_id;
    this.#sound = sound;
  }

  /** Call it from the viewer's gesture. `start_s` is `null` at the program's start. */
  async play(program: Program, start_s: number | null): Promise<void> {
    if (this.phase === 'opening' || this.phase === 'playing') return;
    const { video } = this.media;
    if (!video) return;
    const viewing = ++this.#viewing;
    this.program = program;
    this.phase = 'opening';
    this.trouble = null;
    this.blocked = false;
    this.#reopened_at = -Infinity;
    this.#start_s = start_s;
    this.#stalls = this.#newStalls();
    this.#progress = typeof program === 'string' ? null : this.#newProgress();
    this.#pressed_at = performance.now();
    this.#recorder.record({ kind: 'play_pressed' });
    // Within the gesture: what plays later, from the network, is then allowed to have sound.
    void video.play().catch(() => undefined);
    this.#listen(video);
    try {
      const opening = this.#ask();
      const [open, body] = await Promise.all([this.#streams(), opening]).catch(async (error: unknown) => {
        // The chunk may have failed while the session was opened: its slot is given back.
        void opening.then((body) => api.closePlayback(body.id)).catch(() => undefined);
        throw error;
      });
      if (viewing !== this.#viewing) return api.closePlayback(body.id);
      this.#begin(body);
      if (open === null) return this.#stop({ code: 'UNSUPPORTED', request_id: body.id });
      this.#attach(open, body, start_s);
    } catch (error) {
      if (viewing !== this.#viewing) return;
      this.#stop(troubleIn(error));
    }
  }

  /** Leaves without a word: the viewer closed the film, went away, or signed out. */
  leave(): void {
    this.#suspended = null;
    if (this.phase === 'opening') this.#recorder.record({ kind: 'exit_before_start' });
    this.#viewing += 1;
    this.#stop(null);
    this.phase = 'idle';
  }

  /** The page goes into the browser's back-forward cache, or away for good. */
  suspend(): void {
    if (this.phase === 'idle' || this.phase === 'ended') return this.leave();
    const suspended = { program: this.program, at_s: this.#place_s(), playing: !this.media.paused };
    this.leave();
    this.#suspended = suspended;
  }

  /** The page came back: the slot is taken again, and the film stands where it stood. */
  async resume(): Promise<void> {
    const suspended = this.#suspended;
    this.#suspended = null;
    if (suspended?.playing) await this.play(suspended.program, suspended.at_s);
  }

  dismissReminder(): void {
    this.reminder_minutes = null;
  }

  seeVisibility(hidden: boolean): void {
    if (this.phase === 'idle') return;
    this.#recorder.record({ kind: 'visibility', hidden });
    // A phone may end a hidden page without another word.
    if (hidden) {
      this.#keep('settled');
      this.#recorder.push();
    }
  }

  #ask(): Promise<PlaybackSession> {
    const what = { title_id: this.#title_id, ...(this.pin === null ? {} : { pin: this.pin }) };
    if (this.program === 'trailer') return api.openPlayback({ ...what, trailer: true });
    if (this.program === 'preview') return api.openPlayback({ ...what, preview: true });
    if (typeof this.program === 'string') return api.openPlayback({ ...what, clip: clipOf(this.program) ?? 1 });
    const language = this.#sound();
    return api.openPlayback({ ...what, part: this.program.part, ...(language === null ? {} : { language }) });
  }

  async #streams(): Promise<OpenStream | null> {
    try {
      return (this.#openStream ??= await loadStream());
    } catch {
      throw new Failure({ code: 'NETWORK' });
    }
  }

  #begin(body: PlaybackSession): void {
    this.#lease = new Session(body, {
      ended: (trouble) => this.#ended(trouble),
      more: () => this.session === body && this.#stream?.readAgain?.(),
    });
    this.session = body;
    // Before first play `ends_at` is by when it must be started; the end itself is known once the clock runs.
    this.ends_at = body.starts_clock ? null : body.ends_at;
    this.#reminders = new Reminders();
    this.#recorder.open(body.id);
    clearInterval(this.#ticking);
    let ticks = 0;
    this.#ticking = setInterval(() => this.#tick((ticks += 1)), TICK_MS);
  }

  #attach(open: OpenStream, body: PlaybackSession, start_s: number | null): void {
    const { video } = this.media;
    if (!video) return;
    const card_ms = body.clips.find(({ kind }) => kind === 'card')?.duration_ms ?? 0;
    const film_ms = body.clips.find(({ kind }) => kind === 'film')?.duration_ms ?? 0;
    // Nobody comes to the middle of a film but through its card.
    this.media.openWith(card_ms / 1_000, film_ms / 1_000, () => {
      if (this.session !== body) return;
      this.#recordPosition();
      if (start_s !== null) this.media.seek(start_s);
    });
    const source = {
      session_id: body.id,
      title_id: body.title_id,
      url: body.playback_url,
      start_s: card_ms > 0 ? null : start_s,
      end_s: film_ms > 0 ? (card_ms + film_ms) / 1_000 : 0,
      keys_at_ms: performance.now() + card_ms,
      sound: typeof this.program === 'string' ? null : this.#sound(),
      tracks: this.tracks,
    };
    this.#seen_s = source.start_s ?? 0;
    this.#sought_from_s = null;
    this.#stream = open(video, source, this.#hears(body));
    void this.media.play().then((allowed) => {
      if (allowed || this.session !== body) return;
      this.blocked = true;
      this.#started(performance.now());
    });
    if (this.phase === 'opening') firstFrame(video, source.start_s ?? 0, (at) => this.session === body && this.#started(at));
  }

  #hears(body: PlaybackSession): Listener {
    const current = (then: () => void) => {
      if (this.session === body) then();
    };
    return {
      refused: (status, trouble) =>
        current(() => this.#ended(status === 401 ? { ...trouble, means: 'SESSION_EXPIRED' } : trouble)),
      failed: (trouble) => current(() => this.#stop(trouble)),
      lost: (what) => current(() => (this.away = what)),
      found: () => current(() => (this.away = null)),
      grown: (there_s) => current(() => this.media.growTo(there_s)),
      switched: ({ bitrate_bps, width, height }) =>
        current(() => this.#recorder.record({ kind: 'rung', bitrate_bps, width, height })),
      erred: (code, fatal) => current(() => this.#recorder.record({ kind: 'error', code, fatal })),
    };
  }

  /** The first frame is shown, `at` on the page's monotonic clock. */
  #started(at: number): void {
    if (this.phase !== 'opening') return;
    this.phase = 'playing';
    this.#stalls.start();
    if (this.blocked) return;
    performance.measure('startup', { start: this.#pressed_at, end: at });
    this.#recorder.record({ kind: 'first_frame', startup_ms: Math.round(at - this.#pressed_at) });
    if (this.session?.starts_clock) void this.#readClock(this.session);
  }

  /** The clock has begun with the first key: now the server knows when it ends. */
  async #readClock(session: PlaybackSession): Promise<void> {
    const title = await api.title(session.title_id).catch(() => null);
    if (this.session !== session || !title?.decision.allow || title.decision.starts_clock) return;
    this.ends_at = title.decision.ends_at ?? null;
  }

  #listen(video: HTMLVideoElement): void {
    this.#listening?.abort();
    const listening = new AbortController();
    this.#listening = listening;
    const on = (name: keyof HTMLMediaElementEventMap, hear: () => void) => {
      video.addEventListener(name, hear, { signal: listening.signal });
    };
    on('timeupdate', () => {
      if (video.seeking || video.paused || this.#sought_from_s !== null) return;
      this.#seen_s = video.currentTime;
      if (video.readyState > HTMLMediaElement.HAVE_CURRENT_DATA) this.#stalls.move();
      this.#keep('playing');
    });
    on('waiting', () => !video.paused && this.#stalls.wait());
    on('playing', () => {
      this.blocked = false;
      this.#stalls.move();
    });
    on('pause', () => {
      this.#stalls.rest();
      if (this.phase !== 'playing' || video.ended) return;
      if (this.#sought_from_s === null) this.#seen_s = video.currentTime;
      this.#recorder.record({ kind: 'pause' });
      this.#keep('settled');
    });
    on('play', () => this.phase === 'playing' && this.#recorder.record({ kind: 'resume' }));
    on('seeking', () => {
      if (this.phase !== 'playing') return;
      this.#sought_from_s ??= this.#seen_s;
      this.#stalls.seek();
    });
    on('seeked', () => {
      if (this.phase !== 'playing') return;
      const from_ms = Math.round((this.#sought_from_s ?? this.#seen_s) * 1_000);
      const to_ms = Math.round(video.currentTime * 1_000);
      this.#sought_from_s = null;
      this.#seen_s = video.currentTime;
      this.#recorder.record({ kind: 'seek', from_ms, to_ms });
      this.#keep('settled');
    });
    on('ended', () => this.phase === 'playing' && this.#finished());
  }

  #tick(ticks: number): void {
    if (ticks % POSITION_EVERY_TICKS === 0 && this.phase === 'playing') this.#recordPosition();
    if (!this.#lease || this.ends_at === null) return;
    const minutes = this.#reminders.due(this.#lease.left_ms(this.ends_at));
    if (minutes !== null) this.reminder_minutes = minutes;
  }

  /** On the player's clock, like everything that is recorded. */
  #recordPosition(): void {
    const { video, paused, waiting, rate } = this.media;
    const position_ms = Math.round((video?.currentTime ?? 0) * 1_000);
    this.#recorder.record({ kind: 'position', position_ms, playing: !paused && !waiting, rate });
  }

  #keep(when: 'playing' | 'settled' | 'left', at_ms?: number): void {
    const { position_s, duration_s, video, locked, now_s } = this.media;
    if (typeof this.program === 'string' || this.phase !== 'playing' || !video || locked) return;
    const position_ms = at_ms ?? Math.round((now_s || position_s) * 1_000);
    const duration_ms = Math.round(duration_s * 1_000);
    // At zero nothing has played yet, and a position to resume from must survive that.
    if (position_ms === 0 || duration_ms === 0) return;
    const position: Position = { part: this.program.part, position_ms, duration_ms };
    this.#progress?.[when](position);
  }

  /** The program's own end: the slot is given back. */
  #finished(): void {
    this.#keep('left', Math.round(this.media.duration_s * 1_000));
    this.#recorder.record({ kind: 'ended' });
    this.phase = 'ended';
    this.#stop(null);
    this.phase = 'ended';
  }

  /** The server ends the session: for good, or because another one has to take its place. */
  #ended(trouble: Trouble): void {
    if (this.#reopening) return;
    const again = REOPENED.has(trouble.code) || trouble.means === 'SESSION_EXPIRED';
    if (!again || performance.now() - this.#reopened_at < REOPENED_FOR_MS_MIN) return this.#stop(trouble);
    this.#reopened_at = performance.now();
    this.#reopening = true;
    void this.#reopen(trouble);
  }

  /** What is buffered plays on meanwhile. */
  async #reopen(trouble: Trouble): Promise<void> {
    const viewing = this.#viewing;
    const old = this.#lease;
    for (const wait_ms of REOPEN_AFTER_MS) {
      this.away = wait_ms > 0 ? 'network' : null;
      await new Promise((resolve) => setTimeout(resolve, wait_ms));
      if (viewing !== this.#viewing || this.#lease !== old) return;
      // Its slot has to be free before another one can be had, and from then on it is refused everything.
      this.#stream?.rest?.();
      old?.close();
      const body = await this.#ask().catch((error: unknown) => troubleIn(error));
      if (viewing !== this.#viewing) {
        if ('playback_url' in body) api.closePlayback(body.id);
        return;
      }
      if ('playback_url' in body) return this.#takeOver(body);
      const passing = body.code === 'NETWORK' || body.means?.startsWith('HTTP_5') === true;
      if (!passing) return this.#stop(body);
    }
    this.#stop(trouble);
  }

  #takeOver(body: PlaybackSession): void {
    const { media } = this;
    const at_s = this.#place_s();
    this.#start_s = at_s;
    const playing = !media.paused;
    void this.#recorder.flush();
    this.#stream?.destroy();
    media.empty();
    this.away = null;
    this.#reopening = false;
    this.#begin(body);
    if (this.#openStream) this.#attach(this.#openStream, body, at_s);
    if (!playing) media.pause();
  }

  /** Where another session has to take up the film. */
  #place_s(): number | null {
    return this.phase === 'opening' || this.media.locked ? this.#start_s : this.media.position_s || null;
  }

  /** Back to idle, with nothing of the film left. */
  #stop(trouble: Trouble | null): void {
    this.#keep('left');
    if (trouble && this.phase === 'opening') this.#recorder.record({ kind: 'start_failed', code: trouble.code });
    if (trouble && this.phase === 'playing') this.#recorder.record({ kind: 'error', code: trouble.code, fatal: true });
    if (this.#lease) this.#recorder.record({ kind: 'closed' });
    this.#listening?.abort();
    this.#stalls.rest();
    clearInterval(this.#ticking);
    this.#viewing += 1;
    this.#stream?.destroy();
    this.media.empty();
    // The record belongs to the session, so it goes first.
    this.#recorder.close();
    this.#lease?.close();
    this.tracks.clear();
    this.#listening = null;
    this.#stream = null;
    this.#lease = null;
    this.session = null;
    this.ends_at = null;
    this.reminder_minutes = null;
    this.away = null;
    this.#reopening = false;
    this.blocked = false;
    this.phase = 'idle';
    this.trouble = trouble;
  }

  #newStalls(): Stalls {
    return new Stalls((event) => this.#recorder.record(event), () => performance.now());
  }

  #newProgress(): Progress {
    const viewer_id = this.#viewer_id();
    return new Progress(this.#title_id, {
      local: keptIn(localStorage, viewer_id),
      put: viewer_id === null ? null : api.keepProgress,
      now: () => performance.now(),
      wall: () => new Date(),
    });
  }
}
