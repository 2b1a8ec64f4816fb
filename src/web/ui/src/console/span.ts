// Short spans as they are read in a table: 640 ms, 1.4 s, 3 min 20 s.

import { count, duration } from '../lib/format';
import type { Locale } from '../lib/words/shape';

export function shortSpan(ms: number, locale: Locale): string {
  if (ms >= 60_000) return duration(ms, locale, 'short');
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${count(Math.round(ms / 100) / 10, locale)} s`;
}

/** For a column whose heading names the zone: 14:42 today, else with its day. */
export function shortInstant(rfc3339: string, locale: Locale, zone: string, now: Date = new Date()): string {
  const at = new Date(rfc3339);
  const parts = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { ...options, timeZone: zone });
  const day = parts({ year: 'numeric', month: 'short', day: 'numeric' });
  const time = parts({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
  if (day.format(at) === day.format(now)) return time;
  const year = parts({ year: 'numeric' });
  const near = year.format(at) === year.format(now) ? parts({ month: 'short', day: 'numeric' }) : day;
  return `${near.format(at)} ${time}`;
}

/** GMT+8, as a heading names it. */
export function offsetName(locale: Locale, zone: string, when: Date = new Date()): string {
  const parts = new Intl.DateTimeFormat(locale, { timeZone: zone, timeZoneName: 'shortOffset' }).formatToParts(when);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? zone;
}

/** From a beginning: +0:07.3, +1:02:09.0. */
export function offset(ms: number): string {
  const tenths = Math.max(0, Math.floor(ms / 100));
  const [h, m, s] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60, Math.floor(tenths / 10) % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return `+${h > 0 ? `${h}:${two(m)}` : m}:${two(s)}.${tenths % 10}`;
}
