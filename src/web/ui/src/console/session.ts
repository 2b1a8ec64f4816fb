// Which sessions a filter lets through, and what their facts are called.

import type { Locale } from '../lib/words/shape';
import type { Session } from './api/sessions';

export interface SessionFilter {
  text: string | null;
  via: string | null;
  /** `trouble` or `smooth`. */
  quality: string | null;
  title_id: string | null;
}

/** `said` is what the row shows of its viewer and title. */
export function matches(row: Session, filter: SessionFilter, said: string): boolean {
  if (filter.via !== null && row.via !== filter.via) return false;
  if (filter.title_id !== null && row.title_id !== filter.title_id) return false;
  const troubled = row.qoe ? row.qoe.errors.length > 0 || row.qoe.stalls > 0 : false;
  if (filter.quality === 'trouble' && !troubled) return false;
  if (filter.quality === 'smooth' && (troubled || !row.qoe || row.qoe.startup_ms === null)) return false;
  const wanted = filter.text?.trim().toLowerCase() ?? '';
  return wanted === '' || `${row.id} ${row.viewer_id ?? ''} ${row.title_id} ${said}`.toLowerCase().includes(wanted);
}

/** A territory in words: CN is 中国, China. */
export function placeName(code: string | null | undefined, locale: Locale): string | null {
  if (!code) return null;
  try {
    return new Intl.DisplayNames(locale, { type: 'region' }).of(code) ?? code;
  } catch {
    return code;
  }
}
