// Numbers and instants in the viewer's language. An instant always shows its zone.

import type { Localized, Money } from './api';
import type { Locale } from './words';

export function money({ amount, currency }: Money, locale: Locale): string {
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}

export function instant(rfc3339: string, locale: Locale, timeZone?: string): string {
  return new Intl.DateTimeFormat(locale, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(new Date(rfc3339));
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
