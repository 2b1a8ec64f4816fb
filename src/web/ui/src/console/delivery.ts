// Files that parties were sent, in words, and what is typed to record one.

import type { Tone } from '../kit/Badge.svelte';
import type { IconName } from '../kit/icons';
import { count, duration } from '../lib/format';
import type { Locale, Shape } from '../lib/words/shape';
import type { DealDelivery, Delivery, DeliveryStatus } from './api/deliveries';
import type { Deal } from './api/partners';
import type { en } from './words/deliveries';

type Words = Shape<typeof en>;

export interface Standing {
  text: string;
  tone: Tone;
  icon: IconName;
}

const looks: Record<DeliveryStatus, Omit<Standing, 'text'>> = {
  sent: { tone: 'info', icon: 'clock' },
  accepted: { tone: 'good', icon: 'check' },
  rejected: { tone: 'bad', icon: 'close' },
  recalled: { tone: 'neutral', icon: 'minus' },
};

export function standingOf(status: DeliveryStatus, words: Words): Standing {
  return { ...looks[status], text: words[`status_${status}`] };
}

/** Whether the party of a deal shows a copy of its own. */
export function isSent({ carriage }: Pick<Deal, 'carriage'>): boolean {
  return carriage.kind !== 'platform' || carriage.streams === null;
}

/** How what was sent under a deal stands; alarming where a file that the channel accepts is due. */
export function deliveryOf(
  { delivery, missing_parts = [] }: { delivery?: Pick<DealDelivery, 'status'> | null | undefined; missing_parts?: readonly number[] | undefined },
  /** Of the title; 0 where that is not known. */
  parts: number,
  words: Words,
  locale: Locale,
): Standing {
  const standing: Standing = delivery ? standingOf(delivery.status, words) : { text: words.none_yet, tone: 'neutral', icon: 'minus' };
  if (missing_parts.length === 0) return standing;
  const tone = delivery?.status === 'rejected' ? 'bad' : 'warn';
  if (parts <= 1 && missing_parts.every((part) => part <= 1)) return { text: standing.text, tone, icon: 'alert' };
  const list = new Intl.ListFormat(locale, { type: 'conjunction' }).format(missing_parts.map((part) => count(part, locale)));
  const missing = missing_parts.length === 1 ? words.part_missing(list) : words.parts_missing(list);
  // The least settled file that there is may be accepted while another part has none.
  return { text: delivery?.status === 'accepted' ? missing : `${standing.text} · ${missing}`, tone, icon: 'alert' };
}

/** How it differs from the part as packaged; '' where that is not known. */
export function differsText({ differs_seconds }: Pick<Delivery, 'differs_seconds'>, words: Words, locale: Locale): string {
  if (differs_seconds === null) return '';
  const away_ms = Math.abs(differs_seconds) * 1000;
  if (away_ms === 0) return words.same_length;
  const span = away_ms < 1000 ? words.milliseconds(count(Math.round(away_ms), locale)) : duration(away_ms, locale);
  return differs_seconds > 0 ? words.longer(span) : words.shorter(span);
}

/** Files are cut to frames: less than a second apart is the same cut. */
export const isOtherCut = ({ differs_seconds }: Pick<Delivery, 'differs_seconds'>): boolean => differs_seconds !== null && Math.abs(differs_seconds) >= 1;

/** `1:36:40.250`, `96:40`, or seconds; `undefined` for what is none of them. */
export function secondsOf(text: string): number | undefined {
  const found = /^(?:(?:(\d{1,3}):)?(\d{1,4}):)?(\d{1,6}(?:\.\d{1,3})?)$/.exec(text.trim());
  if (!found) return undefined;
  const [, hours, minutes, rest = ''] = found;
  const seconds = Number(rest);
  if (minutes !== undefined && seconds >= 60) return undefined;
  if (hours !== undefined && Number(minutes) >= 60) return undefined;
  const ms = Math.round((Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + seconds) * 1000);
  return ms > 0 ? ms / 1000 : undefined;
}

/** Bytes, with or without marks between thousands; `undefined` for anything else. */
export function bytesOf(text: string): number | undefined {
  const digits = text.normalize('NFKC').replace(/[\s,_]/g, '');
  const value = /^\d{1,16}$/.test(digits) ? Number(digits) : 0;
  return value > 0 && Number.isSafeInteger(value) ? value : undefined;
}

/** The digits alone: what `sha256sum` prints has the file's name behind them. */
export function sha256Of(text: string): string | undefined {
  return /^[0-9a-f]{64}(?=$|\s)/.exec(text.trim().toLowerCase())?.[0];
}

export const sha256Short = (sha256: string): string => `${sha256.slice(0, 6)}…${sha256.slice(-6)}`;
