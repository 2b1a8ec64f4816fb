// Why a viewer may or may not watch: the decision and each check that led to it.

import type { NextStep } from '../../lib/http';
import { operator, queryOf, type Localized } from '../api';

export const checks = ['session', 'home', 'title', 'licence', 'territory', 'episode', 'grant', 'membership', 'free', 'external', 'languages', 'deal', 'window', 'screener', 'edit', 'devices', 'streams'] as const;
export type Check = (typeof checks)[number];

export interface Step {
  check: Check;
  outcome: 'pass' | 'fail' | 'skip';
  code: string | null;
  /** In English. */
  says: string;
  facts: Record<string, unknown>;
}

export interface Explanation {
  allow: boolean;
  code: string | null;
  via: 'grant' | 'membership' | 'unlock' | 'free' | 'external' | 'screener' | 'partner' | 'trailer' | 'preview' | null;
  rule: string;
  at: string;
  territory: string | null;
  steps: Step[];
  next: NextStep[];
}

export interface Question {
  title_id: string;
  /** Counted from 1; the first where there is none. */
  part: string | null;
  viewer_id: string | null;
  territory: string | null;
  /** RFC 3339; now where there is none. */
  at: string | null;
}

export const explain = (question: Question, signal: AbortSignal): Promise<Explanation> =>
  operator.call('GET', `/explain${queryOf({ ...question })}`, { signal });

export interface TitleName {
  id: string;
  name: Localized;
  poster_url?: string | null;
  /** One for each of its parts. */
  assets?: string[];
}

export const titleNames = (): Promise<TitleName[]> => operator.list(`/titles${queryOf({ limit: 100 })}`, {}, 2_000);

export interface ViewerName {
  id: string;
  email: string;
  display_name: string | null;
}

export const viewersLike = async (query: string, signal?: AbortSignal): Promise<ViewerName[]> =>
  (await operator.page<ViewerName>(`/viewers${queryOf({ query, limit: 6 })}`, null, signal ? { signal } : {})).data;
export const viewerName = async (id: string): Promise<string> =>
  (await operator.call<ViewerName>('GET', `/viewers/${encodeURIComponent(id)}`)).email;
