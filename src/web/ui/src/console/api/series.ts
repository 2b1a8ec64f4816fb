// Series: several titles that are its seasons.

import type { Localized } from '../../lib/api';
import { operator } from '../api';
import type { TitleStatus } from './catalogue';

export interface SeriesEntry {
  name: Localized;
  synopsis: Localized;
}

export interface Series extends SeriesEntry {
  id: string;
  version: number;
  created_at: string;
  /** By their numbers. */
  seasons: { title_id: string; number: number; name: Localized; status: TitleStatus }[];
}

const of = (id: string) => `/series/${encodeURIComponent(id)}`;

export const series = {
  all(): Promise<Series[]> {
    return operator.list('/series');
  },
  create(body: SeriesEntry, key: string): Promise<Series> {
    return operator.call('POST', '/series', { body, key });
  },
  /** Only the version that was seen is changed. */
  async edit({ id, version }: Pick<Series, 'id' | 'version'>, body: SeriesEntry): Promise<Series> {
    return (await operator.exchange<Series>('PATCH', of(id), { body, if_match: `"${version}"` })).body;
  },
  /** Only one without seasons. */
  remove(id: string): Promise<void> {
    return operator.call('DELETE', of(id));
  },
};
