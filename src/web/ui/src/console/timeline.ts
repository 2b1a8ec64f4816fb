// A session's events in words, and as the stretches that a viewer lived through.

import { bitrate, position } from '../lib/format';
import type { Locale, Shape } from '../lib/words/shape';
import type { TimelineEvent } from './api/sessions';
import { shortSpan } from './span';
import type { en } from './words/sessions';

export type Weight = 'plain' | 'good' | 'warn' | 'bad';

export interface TimelineLine {
  text: string;
  weight: Weight;
}

export function tellEvent(event: TimelineEvent, words: Shape<typeof en>, locale: Locale): TimelineLine {
  const number = (name: string) => (typeof event.detail[name] === 'number' ? (event.detail[name] as number) : 0);
  const text = (name: string) => (typeof event.detail[name] === 'string' ? (event.detail[name] as string) : '');
  const plain = (said: string): TimelineLine => ({ text: said, weight: 'plain' });
  switch (event.kind) {
    case 'opened': return plain(words.kind_opened);
    case 'first_playlist': return plain(words.kind_first_playlist);
    case 'first_key': return plain(words.kind_first_key);
    case 'first_segment': return plain(words.kind_first_segment);
    case 'denied': return { text: words.kind_denied(text('code')), weight: 'bad' };
    case 'revoked': return { text: words.kind_revoked, weight: 'bad' };
    case 'play_pressed': return plain(words.kind_play_pressed);
    case 'first_frame': return { text: words.kind_first_frame(shortSpan(number('startup_ms'), locale)), weight: 'good' };
    case 'start_failed': return { text: words.kind_start_failed(text('code')), weight: 'bad' };
    case 'exit_before_start': return { text: words.kind_exit_before_start, weight: 'warn' };
    case 'stall_start': return { text: words.kind_stall_start, weight: 'warn' };
    case 'stall_end': {
      const span = shortSpan(number('ms'), locale);
      return event.detail.seeking === true
        ? plain(words.kind_stall_end_seeking(span))
        : { text: words.kind_stall_end(span), weight: 'warn' };
    }
    case 'seek': return plain(words.kind_seek(position(number('from_ms') / 1_000), position(number('to_ms') / 1_000)));
    case 'rung': return plain(words.kind_rung(number('height') > 0 ? `${number('height')}p` : '?', bitrate(number('bitrate_bps'), locale)));
    case 'error': return event.detail.fatal === true
        ? { text: words.kind_error_fatal(text('code')), weight: 'bad' }
        : { text: words.kind_error(text('code')), weight: 'warn' };
    case 'position': return plain(words.kind_position(position(number('position_ms') / 1_000)));
    case 'pause': return plain(words.kind_pause);
    case 'resume': return plain(words.kind_resume);
    case 'ended':
      return event.source === 'server' ? plain(words.kind_session_ended) : { text: words.kind_ended, weight: 'good' };
    case 'request': {
      // CMCD counts in kbit/s.
      const rate = number('br');
      return plain(words.kind_request(rate > 0 ? bitrate(rate * 1_000, locale) : ''));
    }
    case 'report': return plain(words.kind_report);
    case 'closed': return plain(words.kind_closed);
    case 'visibility': return plain(text('state') === 'hidden' ? words.kind_hidden : words.kind_visible);
    default: return plain(event.kind);
  }
}

export type Phase = 'waiting' | 'playing' | 'stalled' | 'paused';
export interface Stretch {
  phase: Phase;
  from_ms: number;
  to_ms: number;
}

/** The player's events alone say what the viewer saw. */
export function stretches(events: readonly TimelineEvent[]): Stretch[] {
  const phase_after: Partial<Record<string, Phase | 'over'>> = {
    play_pressed: 'waiting', first_frame: 'playing', stall_start: 'stalled', stall_end: 'playing', pause: 'paused',
    resume: 'playing', ended: 'over', closed: 'over', start_failed: 'over', exit_before_start: 'over',
  };
  const found: Stretch[] = [];
  let now = null as { phase: Phase; from_ms: number } | null;
  let last_ms = 0;
  for (const event of events) {
    if (event.source !== 'player') continue;
    const at = Date.parse(event.at);
    last_ms = at;
    const next = phase_after[event.kind];
    if (next === undefined || next === now?.phase) continue;
    // A stall that ends while the viewer has paused leaves the film paused.
    if (event.kind === 'stall_end' && now?.phase !== 'stalled') continue;
    if (now && at > now.from_ms) found.push({ ...now, to_ms: at });
    now = next === 'over' ? null : { phase: next, from_ms: at };
  }
  if (now && last_ms > now.from_ms) found.push({ ...now, to_ms: last_ms });
  return found;
}
