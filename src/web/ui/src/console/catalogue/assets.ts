// Packaged films to choose from.

import { duration } from '../../lib/format';
import type { Locale } from '../../lib/words/shape';
import type { Asset } from '../api/catalogue';

/** All but those that are taken, with how long each is; `none` stands first. */
export function assetOptions(assets: readonly Asset[], taken: readonly string[], none: string, locale: Locale): { value: string; text: string }[] {
  const free = assets.filter((asset) => asset.status === 'complete' && !taken.includes(asset.id));
  const text = (asset: Asset) => `${asset.source_name} (${duration(asset.duration_ms, locale, 'short')})`;
  return [{ value: '', text: none }, ...free.map((asset) => ({ value: asset.id, text: text(asset) }))];
}
