// When and how a title is on, in one sentence: “Premiere until 3 Jan, 20:00 (Beijing time), for members from 4 Jan”.

import type { Window } from './api';
import type { Locale } from './words/shape';
import type { WindowWords as Words } from './words';

type Kind = 'premiere' | 'rent' | 'keep' | 'episode' | 'member' | 'free';

export interface Telling {
  now: Date;
  locale: Locale;
  words: Words;
  /** As what it is sold. */
  sold_as: 'premiere' | 'rent' | 'episode';
  /** Tells it in this zone instead of the windows' own. */
  zone?: string;
}

interface Span {
  kind: Kind;
  start_ms: number;
  /** Infinity: open-ended. */
  end_ms: number;
  zone: string;
}

/** Empty when nothing is on and nothing comes. */
export function windowSentence(windows: readonly Window[], telling: Telling): string {
  const { now, words, locale } = telling;
  const spans = merged(windows.map((window) => spanOf(window, telling))).filter((span) => span.end_ms > now.getTime());
  let told_zone = '';
  const clauses = spans.map((span) => {
    const instants = [span.start_ms > now.getTime() ? span.start_ms : null, Number.isFinite(span.end_ms) ? span.end_ms : null];
    const zone = instants.some((at) => at !== null) && span.zone !== told_zone ? span.zone : '';
    if (zone !== '') told_zone = zone;
    return clauseOf(span, zone, telling);
  });
  const sentence = clauses.join(words.window_comma);
  return locale === 'en' ? sentence.charAt(0).toUpperCase() + sentence.slice(1) : sentence;
}

/** The time of day of a zone in words; 北京时间 is what everybody calls it. */
export function zoneWords(zone: string, locale: Locale, when: Date): string {
  if (zone === 'Asia/Shanghai') return locale === 'zh-CN' ? '北京时间' : 'Beijing time';
  try {
    const parts = new Intl.DateTimeFormat(locale, { timeZone: zone, timeZoneName: 'longGeneric' }).formatToParts(when);
    return parts.find((part) => part.type === 'timeZoneName')?.value ?? zone;
  } catch {
    return zone;
  }
}

function spanOf(window: Window, { sold_as, zone }: Telling): Span {
  const ends = [window.end_at, window.hard_end_at].flatMap((end) => (end === null ? [] : [Date.parse(end)]));
  return {
    kind: KINDS[window.license_type] ?? sold_as,
    start_ms: Date.parse(window.start_at),
    end_ms: Math.min(Infinity, ...ends),
    zone: zone ?? window.zone,
  };
}

const KINDS: Partial<Record<Window['license_type'], Kind>> = { est: 'keep', svod: 'member', avod: 'free' };

/** By start; windows of one kind that touch are one to a viewer. */
function merged(spans: Span[]): Span[] {
  const sorted = [...spans].sort((one, other) => one.start_ms - other.start_ms);
  const kept: Span[] = [];
  for (const span of sorted) {
    const before = kept.findLast((other) => other.kind === span.kind);
    if (before && span.start_ms <= before.end_ms) before.end_ms = Math.max(before.end_ms, span.end_ms);
    else kept.push({ ...span });
  }
  return kept;
}

function clauseOf(span: Span, zone: string, telling: Telling): string {
  const { words, now } = telling;
  const { kind } = span;
  const upcoming = span.start_ms > now.getTime();
  const ended = Number.isFinite(span.end_ms);
  // The zone is said once, with the first instant of the clause.
  const from = upcoming ? whenOf(span.start_ms, zone, span.zone, telling) : '';
  const until = ended ? endOf(span.end_ms, upcoming ? '' : zone, span.zone, telling) : '';
  if (upcoming && ended) return words[`window_${kind}_span`](from, until);
  if (upcoming) return words[`window_${kind}_from`](from);
  if (ended) return words[`window_${kind}_until`](until);
  return words[`window_${kind}_now`];
}

/** Midnight is the beginning of a day, so the day alone says it. */
function whenOf(at_ms: number, said_zone: string, zone: string, telling: Telling): string {
  const { locale, words } = telling;
  const at = new Date(at_ms);
  const day = dayOf(at, zone, telling);
  const time = timeOf(at, zone, locale);
  return withZone(time === '00:00' ? day : words.window_day_time(day, time), said_zone, at, telling);
}

/** A window that ends at midnight is on through the day before. */
function endOf(at_ms: number, said_zone: string, zone: string, telling: Telling): string {
  const { locale, words } = telling;
  const at = new Date(at_ms);
  if (timeOf(at, zone, locale) === '00:00') {
    const last_day = dayOf(new Date(at_ms - 1), zone, telling);
    return words.window_through(withZone(words.window_end_of_day(last_day), said_zone, at, telling));
  }
  return words.window_until(whenOf(at_ms, said_zone, zone, telling));
}

function withZone(text: string, zone: string, at: Date, { locale, words }: Telling): string {
  return zone === '' ? text : words.window_in_zone(text, zoneWords(zone, locale, at));
}

/** The year is said where it is not this one. */
function dayOf(at: Date, timeZone: string, { locale, now }: Telling): string {
  const year = (date: Date) => new Intl.DateTimeFormat('en', { timeZone, year: 'numeric' }).format(date);
  const far = year(at) !== year(now);
  return new Intl.DateTimeFormat(locale === 'en' ? 'en-GB' : locale, {
    timeZone,
    day: 'numeric',
    month: 'short',
    ...(far ? { year: 'numeric' } : {}),
  }).format(at);
}

function timeOf(at: Date, timeZone: string, locale: Locale): string {
  return new Intl.DateTimeFormat(locale, { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
}
