// Where the chapters of a film are, and what they are called.

import type { Chapter } from '../lib/api';

/** The place of the chapter that this second belongs to; before the first there is none. */
export function chapterAt(chapters: readonly Chapter[], at_s: number): number | null {
  const n = chapters.findLastIndex(({ start_ms }) => start_ms <= at_s * 1_000);
  return n < 0 ? null : n;
}

/** Two marks on the seek bar are at least this share of it apart. */
const MARK_SHARE_MIN = 0.01;

/** Where marks stand, in seconds: between chapters, and not so many that they cover the bar. */
export function chapterMarks(chapters: readonly Chapter[], film_s: number): number[] {
  const marks: number[] = [];
  for (const { start_ms } of chapters) {
    const at_s = start_ms / 1_000;
    if (at_s < film_s && at_s - (marks.at(-1) ?? 0) >= film_s * MARK_SHARE_MIN) marks.push(at_s);
  }
  return marks;
}

/** Its title, or its number where it has none. */
export function chapterLabel(chapters: readonly Chapter[], n: number, numbered: (number: number) => string): string {
  return chapters[n]?.title || numbered(n + 1);
}
