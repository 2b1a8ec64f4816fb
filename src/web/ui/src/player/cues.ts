// Which article a film shows now.

import type { Article } from '../lib/api';

/** An article stands on the picture for so long. */
export const SHOWN_MS = 12_000;

/** The article whose cue came last, if it came no longer than `SHOWN_MS` ago, and none of `dismissed`. */
export function articleAt(articles: readonly Article[], part: number, at_ms: number, dismissed: ReadonlySet<string>): Article | null {
  let found: { article: Article; at_ms: number } | null = null;
  for (const article of articles) {
    if (dismissed.has(article.sku)) continue;
    for (const cue of article.cues) {
      const is_now = cue.part === part && at_ms >= cue.at_ms && at_ms < cue.at_ms + SHOWN_MS;
      if (is_now && (found === null || cue.at_ms > found.at_ms)) found = { article, at_ms: cue.at_ms };
    }
  }
  return found?.article ?? null;
}
