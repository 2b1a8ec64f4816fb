// Times of a film as a person types them, one a line: `12:30`, `1:02:03`, and `2 12:30` in part 2.

import { position } from '../../lib/format';
import type { Cue } from '../api/catalogue';

/** Null where a line is no time. */
export function parseCues(text: string): Cue[] | null {
  const cues: Cue[] = [];
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue;
    const [, part = '1', time = ''] = /^(?:(\d{1,3})\s+)?(\S+)$/.exec(line) ?? [];
    const seconds = secondsOf(time);
    if (seconds === null) return null;
    cues.push({ part: Number(part), at_ms: seconds * 1_000 });
  }
  return cues;
}

/** Of one time; null where it is none. */
export function secondsOf(text: string): number | null {
  const match = /^(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)$/.exec(text.trim().replaceAll('：', ':'));
  if (!match) return null;
  const [, hours, minutes = '0', seconds = '0'] = match;
  if (hours !== undefined && Number(minutes) > 59) return null;
  return Number(hours ?? '0') * 3_600 + Number(minutes) * 60 + Number(seconds);
}

export const cueText = ({ part, at_ms }: Cue): string => (part === 1 ? '' : `${part} `) + position(at_ms / 1_000);
