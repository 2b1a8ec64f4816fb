// What tracks, rungs and speeds are called.

import { bitrate } from '../lib/format';
import type { Locale } from '../lib/words/shape';
import type { Language, Rung } from './tracks.svelte';

/** The language in the viewer's own; the publisher's name where no language was said. */
export function languageLabel({ tag, name }: Language, locale: Locale, unnamed: string): string {
  if (tag === 'und' || tag === '') return name === '' || name === 'Audio' ? unnamed : name;
  try {
    return new Intl.DisplayNames(locale, { type: 'language' }).of(tag) ?? name;
  } catch {
    return name === '' ? tag : name;
  }
}

/** Named by the width of the usual 16:9 frame, so that a wide film of 1920 × 804 is still 1080p. */
export function rungName({ width, height }: Rung): string {
  const lines = Math.max(height, Math.round((width * 9) / 16 / 2) * 2);
  return `${STANDARD.find((standard) => Math.abs(standard - lines) <= standard * 0.06) ?? lines}p`;
}
const STANDARD = [2160, 1440, 1080, 720, 576, 540, 480, 432, 360, 288, 240, 216, 144];

export function rungDetail({ bitrate_bps }: Rung, locale: Locale): string {
  return bitrate(Math.round(bitrate_bps / 10_000) * 10_000, locale);
}

export function rateLabel(rate: number): string {
  return `${rate}×`;
}
