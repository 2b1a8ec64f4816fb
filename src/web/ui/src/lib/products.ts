// What products give, in words, and what a bundle saves.

import type { Money, Product, ProductGives, ProductOf } from './api';
import { count } from './format';
import type { Locale, Words } from './words';

export function ofKind<Kind extends ProductGives['kind']>(products: readonly Product[] | null, kind: Kind): ProductOf<Kind>[] {
  return (products ?? []).filter((product): product is ProductOf<Kind> => product.gives.kind === kind);
}

export function bundlesOf(bundles: readonly ProductOf<'bundle'>[], title_id: string): ProductOf<'bundle'>[] {
  return bundles.filter((bundle) => bundle.gives.titles.some(({ title }) => title.id === title_id));
}

/** What its titles cost one by one, and how much less the bundle is; null where it saves nothing. */
export function savingOf(bundle: ProductOf<'bundle'>): { apart: Money; saved: Money } | null {
  const { currency } = bundle.price;
  const amount = bundle.gives.titles.reduce((sum, { list_price }) => sum + list_price.amount, 0);
  if (amount <= bundle.price.amount) return null;
  return { apart: { amount, currency }, saved: { amount: amount - bundle.price.amount, currency } };
}

/** The packs that are enough by themselves, the cheapest first; all of them where none is. */
export function enough(packs: readonly ProductOf<'coins'>[], missing: number): ProductOf<'coins'>[] {
  const cheapest = [...packs].sort((one, other) => one.price.amount - other.price.amount);
  const enough = cheapest.filter(({ gives }) => gives.coins + gives.bonus >= missing);
  return enough.length > 0 ? enough : cheapest;
}

/** “30 days as a member”, “120 coins, 20 of them a gift; they expire after 365 days”. */
export function givesText(gives: ProductGives, words: Words, locale: Locale): string {
  switch (gives.kind) {
    case 'membership':
      return words.gives_days(words.days(gives.days));
    case 'coins': {
      const all = words.coins(count(gives.coins + gives.bonus, locale));
      const told = gives.bonus > 0 ? words.gives_bonus(all, count(gives.bonus, locale)) : all;
      return gives.expires_after_days === null ? told : words.gives_expiring(told, words.days(gives.expires_after_days));
    }
    case 'bundle':
      return words.gives_films(count(gives.titles.length, locale));
  }
}
