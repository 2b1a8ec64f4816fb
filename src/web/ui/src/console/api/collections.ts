// Collections: titles that are shown together under a theme for a time. A showcase is one that a channel carries too.

import type { Localized, Slot } from '../../lib/api';
import { operator } from '../api';

export interface Showcase {
  /** A broadcaster. */
  party_id: string;
  /** As its deals name it. */
  channel: string;
}

export interface CollectionEntry {
  name: Localized;
  synopsis: Localized;
  /** In the order that they are shown in. */
  title_ids: string[];
  start_at: string;
  end_at: string | null;
  zone: string;
  showcase: Showcase | null;
}

/** By which deal a title is on the channel; nulls where none gives it that right. */
export interface TitleAiring {
  title_id: string;
  deal_id: string | null;
  starts_at: string | null;
  ends_at: string | null;
  runs: number | null;
  slots: Slot[];
}

export interface Collection extends CollectionEntry {
  id: string;
  version: number;
  created_at: string;
  /** Of a showcase, in the order of its titles. */
  airings: TitleAiring[];
}

const of = (id: string) => `/collections/${encodeURIComponent(id)}`;

export const collections = {
  all(): Promise<Collection[]> {
    return operator.list('/collections');
  },
  create(body: CollectionEntry, key: string): Promise<Collection> {
    return operator.call('POST', '/collections', { body, key });
  },
  /** Only the version that was seen is changed. */
  async edit({ id, version }: Pick<Collection, 'id' | 'version'>, body: CollectionEntry): Promise<Collection> {
    return (await operator.exchange<Collection>('PATCH', of(id), { body, if_match: `"${version}"` })).body;
  },
  remove(id: string): Promise<void> {
    return operator.call('DELETE', of(id));
  },
};
