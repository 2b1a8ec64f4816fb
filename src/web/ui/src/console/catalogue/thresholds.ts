// Provinces, by their codes of ISO 3166-2:CN, as the licence's thresholds name them.

import type { Shape } from '../../lib/words/shape';
import type { en } from '../words/thresholds';

export const provinces = [
  'BJ', 'TJ', 'HE', 'SX', 'NM', 'LN', 'JL', 'HL', 'SH', 'JS', 'ZJ', 'AH', 'FJ', 'JX', 'SD', 'HA', 'HB', 'HN', 'GD', 'GX', 'HI', 'CQ', 'SC',
  'GZ', 'YN', 'XZ', 'SN', 'GS', 'QH', 'NX', 'XJ',
] as const;
export type Province = (typeof provinces)[number];

/** In fen: a production costs more than a ticket. */
export const PRODUCTION_COST_MAX = 100_000_000_000_00;

/** `*` is everywhere. */
export function placeOf(code: string, words: Shape<typeof en>): string {
  if (code === '*') return words.anywhere;
  const known = provinces.find((each) => each === code);
  return known ? words[`province_${known}`] : code;
}
