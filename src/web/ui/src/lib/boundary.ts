// The instants at which a title becomes something else: its windows, its sales, the end of a right.

import type { Title } from './api';
import { serverClock } from './server_clock';

/** So that not everyone who waits for an opening asks in the same moment. */
const JITTER_MS = 1_200;
const AFTER_MS = 150;
/** The longest that a timer can be set to. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The next such instant after `now_ms`, or of `also`; null when nothing is going to happen. */
export function nextBoundary(titles: readonly Title[], now_ms: number, also: readonly (string | null)[] = []): number | null {
  let next: number | null = null;
  for (const instant of [...titles.flatMap(boundariesOf), ...also]) {
    const at_ms = Date.parse(instant ?? '');
    if (at_ms > now_ms && (next === null || at_ms < next)) next = at_ms;
  }
  return next;
}

function boundariesOf(title: Title): (string | null | undefined)[] {
  const { decision } = title;
  return [
    title.opens_at,
    ...(title.parts ?? []).map((part) => part.opens_at),
    ...(title.windows ?? []).flatMap((window) => [window.start_at, window.end_at, window.hard_end_at]),
    ...title.offers.flatMap((offer) => [offer.presale_from_at, offer.opens_at, offer.closes_at]),
    ...(decision.allow
      ? [decision.ends_at]
      : (decision.next ?? []).flatMap((step) => (step.action === 'wait' ? [step.opens_at] : []))),
  ];
}

/** Calls `changed` once, just after the next boundary; gives back what calls that off: `$effect(() => atBoundary(…))`. */
export function atBoundary(titles: readonly Title[], changed: () => void, also: readonly (string | null)[] = []): () => void {
  const at_ms = nextBoundary(titles, serverClock.now().getTime(), also);
  if (at_ms === null) return () => undefined;
  let timer: ReturnType<typeof setTimeout>;
  const wait = () => {
    const left_ms = at_ms - serverClock.now().getTime() + AFTER_MS;
    if (left_ms > TIMER_MS_MAX) timer = setTimeout(wait, TIMER_MS_MAX);
    else timer = setTimeout(changed, left_ms + Math.random() * JITTER_MS);
  };
  wait();
  return () => clearTimeout(timer);
}
