// Numbers, spans and instants in the viewer's language. An instant always shows its zone.

import type { Localized, Money } from './api';
import type { Locale } from './words/shape';

const numbers = new Map<string, Intl.NumberFormat>();

/** Making an Intl format costs far more than using it. */
function number(locale: Locale, options: Intl.NumberFormatOptions = {}): Intl.NumberFormat {
  const key = locale + JSON.stringify(options);
  let format = numbers.get(key);
  if (!format) numbers.set(key, (format = new Intl.NumberFormat(locale, options)));
  return format;
}

function currencyFormat(locale: Locale, currency: string, compact: boolean): Intl.NumberFormat {
  return number(locale, {
    style: 'currency',
    currency,
    currencyDisplay: 'narrowSymbol',
    ...(compact ? { notation: 'compact', maximumFractionDigits: 1 } : {}),
  });
}

/** The amount in whole units of its currency, for charts and spreadsheets; never for arithmetic. */
export function major({ amount, currency }: Money): number {
  return amount / 10 ** (currencyFormat('en', currency, false).resolvedOptions().maximumFractionDigits ?? 2);
}

export function money(value: Money, locale: Locale): string {
  return currencyFormat(locale, value.currency, false).format(major(value));
}

/** A price as it stands on a button: ¥18, ¥9.90. */
export function price(value: Money, locale: Locale): string {
  return number(locale, {
    style: 'currency',
    currency: value.currency,
    currencyDisplay: 'narrowSymbol',
    trailingZeroDisplay: 'stripIfInteger',
  }).format(major(value));
}

/** ¥1.2万, $12K: where the order of magnitude is what is read. */
export function moneyCompact(value: Money, locale: Locale): string {
  return currencyFormat(locale, value.currency, true).format(major(value));
}

export function count(value: number, locale: Locale): string {
  return number(locale).format(value);
}

/** 1.2万, 3.4亿; 12K, 340M. */
export function compact(value: number, locale: Locale): string {
  return number(locale, { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

/** A ratio: 0.123 is 12.3%. */
export function percent(ratio: number, locale: Locale, digits = 1): string {
  return number(locale, { style: 'percent', maximumFractionDigits: digits }).format(ratio);
}

/** A change with its sign: +12.3%, −4%. */
export function percentChange(ratio: number, locale: Locale, digits = 1): string {
  const options = { style: 'percent', maximumFractionDigits: digits, signDisplay: 'exceptZero' } as const;
  return number(locale, options).format(ratio).replace('-', '−');
}

function at(rfc3339: string | Date, locale: Locale, options: Intl.DateTimeFormatOptions, timeZone?: string): string {
  const zone = timeZone === undefined ? {} : { timeZone };
  // The day before the month, as the sentences on windows have it.
  return new Intl.DateTimeFormat(locale === 'en' ? 'en-GB' : locale, { ...options, ...zone }).format(new Date(rfc3339));
}

export function instant(rfc3339: string | Date, locale: Locale, timeZone?: string): string {
  const day = { year: 'numeric', month: 'short', day: 'numeric' } as const;
  return `${at(rfc3339, locale, { ...day, ...CLOCK }, timeZone)} ${zoneShort(rfc3339, locale, timeZone)}`;
}

/** Behind the time: Chinese patterns would put it between the day and the time. */
function zoneShort(rfc3339: string | Date, locale: Locale, timeZone?: string): string {
  const zone = timeZone === undefined ? {} : { timeZone };
  const parts = new Intl.DateTimeFormat(locale, { timeZoneName: 'short', ...zone }).formatToParts(new Date(rfc3339));
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

const CLOCK = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;

/** The time of day alone, with its zone. */
export function timeOfDay(rfc3339: string | Date, locale: Locale, timeZone?: string): string {
  return `${at(rfc3339, locale, CLOCK, timeZone)} ${zoneShort(rfc3339, locale, timeZone)}`;
}

/** A calendar day: of a viewer's own zone, unless another is named. */
export function date(rfc3339: string | Date, locale: Locale, timeZone?: string): string {
  return at(rfc3339, locale, { year: 'numeric', month: 'short', day: 'numeric' }, timeZone);
}

/** The zone that instants are shown in, in words. */
export function zoneName(locale: Locale, timeZone?: string, when: Date = new Date()): string {
  const zone = timeZone === undefined ? {} : { timeZone };
  const parts = new Intl.DateTimeFormat(locale, { timeZoneName: 'long', ...zone }).formatToParts(when);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
}

const STEPS: readonly [unit: 'day' | 'hour' | 'minute' | 'second', ms: number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
];

/** How far an instant is: in 3 hours, yesterday, 5 seconds ago. */
export function relative(rfc3339: string | Date, locale: Locale, now: Date = new Date()): string {
  const away_ms = new Date(rfc3339).getTime() - now.getTime();
  const [unit, ms] = STEPS.find(([, ms]) => Math.abs(away_ms) >= ms) ?? ['second', 1_000];
  return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(Math.trunc(away_ms / ms), unit);
}

/** A span in words, its two largest units: 2 hours 5 minutes. */
export function duration(span_ms: number, locale: Locale, unitDisplay: 'long' | 'short' = 'long'): string {
  let rest = Math.max(0, span_ms);
  const parts: string[] = [];
  // Chinese in its long form says 39秒钟 after 13分钟.
  const display = locale === 'zh-CN' ? 'short' : unitDisplay;
  for (const [index, [unit, ms]] of STEPS.entries()) {
    const value = Math.floor(rest / ms);
    rest -= value * ms;
    const last = index === STEPS.length - 1 && parts.length === 0;
    if (value > 0 || last) parts.push(number(locale, { style: 'unit', unit, unitDisplay: display }).format(value));
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return new Intl.ListFormat(locale, { type: 'unit', style: 'narrow' }).format(parts);
}

/** What is left until an instant, in words; never negative. */
export function remaining(rfc3339: string | Date, locale: Locale, now: Date = new Date()): string {
  return duration(new Date(rfc3339).getTime() - now.getTime(), locale);
}

const BYTES = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const;
const BITS = ['bit', 'kilobit', 'megabit', 'gigabit', 'terabit'] as const;

function scaled(value: number, units: readonly string[]): [value: number, unit: string] {
  let step = 0;
  let rest = value;
  // 999.95 would be shown as 1,000 of the smaller unit.
  while (rest >= 999.95 && step < units.length - 1) {
    rest /= 1_000;
    step += 1;
  }
  return [rest, units[step] ?? ''];
}

export function bytes(value: number, locale: Locale): string {
  const [rest, unit] = scaled(value, BYTES);
  return number(locale, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 }).format(rest);
}

/** Bits per second. */
export function bitrate(bits_per_s: number, locale: Locale): string {
  const [rest, unit] = scaled(bits_per_s, BITS);
  const short = { bit: 'bit/s', kilobit: 'kbit/s', megabit: 'Mbit/s', gigabit: 'Gbit/s', terabit: 'Tbit/s' }[unit];
  return `${number(locale, { maximumFractionDigits: 1 }).format(rest)} ${short}`;
}

/** A position in a film: 5:07, 1:02:09. */
export function position(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** The text in the viewer's language, else in any. */
export function localized(texts: Localized | undefined, locale: Locale): string {
  return texts?.[locale] ?? texts?.en ?? Object.values(texts ?? {})[0] ?? '';
}
