// How each part of a title stands for this viewer, and what the terms of a series say.

import type { Decision, EpisodeTerms, Part, Title } from './api';
import { count, localized } from './format';
import type { Locale, Words } from './words';

export type PartState =
  | { is: 'free' }
  /** Bought, or unlocked. */
  | { is: 'yours' }
  /** By a membership. */
  | { is: 'included' }
  | { is: 'locked'; coins: number }
  | { is: 'later'; opens_at: string }
  | { is: 'away'; denial: Extract<Decision, { allow: false }> }
  /** A list of titles does not say, and the page's own answer is under way. */
  | { is: 'unknown' };

type Parted = Pick<Title, 'decision' | 'episodes'>;

export function stateOf(part: Part, title: Parted): PartState {
  // What is had whole stands in each of its parts as the title does.
  const decision = part.decision ?? (title.episodes ? null : title.decision);
  if (decision === null) return { is: 'unknown' };
  if (decision.allow) return { is: decision.via === 'free' ? 'free' : decision.via === 'membership' ? 'included' : 'yours' };
  const unlock = decision.next?.find((step) => step.action === 'unlock');
  if (unlock) return { is: 'locked', coins: unlock.coins };
  const wait = decision.next?.find((step) => step.action === 'wait');
  return wait ? { is: 'later', opens_at: wait.opens_at } : { is: 'away', denial: decision };
}

export const plays = ({ is }: PartState): boolean => is === 'free' || is === 'yours' || is === 'included';

/** “Episodes 1–10 are free, then 60 coins each.” */
export function termsText({ free, coins }: EpisodeTerms, parts: number, words: Words, locale: Locale): string {
  const price = words.coins(count(coins, locale));
  if (free >= parts) return words.terms_all_free;
  if (free === 0) return words.terms_none_free(price);
  return free === 1 ? words.terms_first_free(price) : words.terms_some_free(count(free, locale), price);
}

/** “Episode 3: The letter”; a part of what is no series is a part. */
export function partName(part: Pick<Part, 'part' | 'name'>, title: Pick<Title, 'episodes'>, words: Words, locale: Locale): string {
  const own = localized(part.name ?? undefined, locale);
  if (title.episodes) return own === '' ? words.episode(String(part.part)) : words.episode_name(String(part.part), own);
  return own === '' ? words.player_part(part.part) : words.player_part_name(part.part, own);
}
