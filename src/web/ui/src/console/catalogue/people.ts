// What becomes of the kinds of people who want to watch, read from what a stranger is answered and offered next.

import { count, instant, money } from '../../lib/format';
import type { Locale, Shape } from '../../lib/words/shape';
import type { Explanation } from '../api/explain';
import type { en } from '../words/windows';

export interface Person {
  who: string;
  /** Whether there is a way to the film, also one that is paid for. */
  yes: boolean;
  sees: string;
}

export function peopleOf({ allow, next }: Explanation, words: Shape<typeof en>, locale: Locale, zone: string): Person[] {
  const buy = next.find((step) => step.action === 'buy');
  const unlock = next.find((step) => step.action === 'unlock');
  const join = next.some((step) => step.action === 'join');
  const wait = next.find((step) => step.action === 'wait');
  const later = wait ? words.sees_wait(instant(wait.opens_at, locale, zone)) : words.sees_not;
  const for_sale = buy
    ? words.sees_buy(money(buy.price, locale))
    : unlock
      ? words.sees_unlock(count(unlock.coins, locale))
      : words.sees_nothing_to_buy;
  return [
    { who: words.who_stranger, yes: allow, sees: allow ? words.sees_free : later },
    { who: words.who_member, yes: allow || join, sees: allow ? words.sees_free : join ? words.sees_member : later },
    {
      who: words.who_buyer,
      yes: allow || buy !== undefined || unlock !== undefined,
      sees: allow ? words.no_need_to_buy : for_sale,
    },
  ];
}

export interface Beside {
  who: string;
  now: Person;
  then: Person;
  is_other: boolean;
}

/** The same people under two plans. */
export function besideOf(now: readonly Person[], then: readonly Person[]): Beside[] {
  return now.flatMap((person, i) => {
    const other = then[i];
    return other ? [{ who: person.who, now: person, then: other, is_other: person.sees !== other.sees }] : [];
  });
}
