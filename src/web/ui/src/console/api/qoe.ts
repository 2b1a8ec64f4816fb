// How well films play: quality of experience over a stretch of time. `docs/metrics.md` defines each number.

import { operator, queryOf, type Localized } from '../api';

export interface Qoe {
  sessions: number;
  started: number;
  startup_p50_ms: number | null;
  startup_p95_ms: number | null;
  start_failures: number;
  exits_before_start: number;
  /** Stalls without seeks, of watched and stalled time; none where nothing was watched. */
  rebuffer_ratio: number | null;
  watched_ms: number;
  errors: number;
}

export type TitleQoe = Qoe & { title_id: string; name: Localized };

export interface QoeReport {
  from: string;
  to: string;
  totals: Qoe;
  titles: TitleQoe[];
  errors: { code: string; count: number; last_at: string; /** The newest few that had it. */ sessions?: string[] }[];
  /** `le_ms` is a bucket's upper end; none for what took longer than all of them. */
  startup_histogram: { le_ms: number | null; count: number }[];
}

export const qoe = (from: string, to: string, title_id: string | null, signal: AbortSignal): Promise<QoeReport> =>
  operator.call('GET', `/qoe${queryOf({ from, to, title_id })}`, { signal });
