// The audit log's actions in words, and the pages of its subjects.

import type { Shape } from '../lib/words/shape';
import type { en } from './words/audit';

export function actionText(action: string, words: Shape<typeof en>): string {
  const key = `do_${action.replaceAll('.', '_')}`;
  return (words as unknown as Record<string, string | undefined>)[key] ?? action;
}

/** Those that have words, as they are written: the first dot of a key stood between noun and verb. */
export function knownActions(words: Shape<typeof en>): { value: string; text: string }[] {
  const NOUNS = ['placement_blocks', 'series', 'collection', 'voucher_batch', 'voucher', 'asset', 'operator', 'token', 'title', 'avail', 'holdback', 'party', 'deal', 'delivery', 'screener', 'outage', 'lock', 'offer', 'upload', 'plan', 'membership', 'purchase', 'grant', 'session', 'coin_lot', 'unlock', 'viewer', 'product', 'coupon', 'storefront'];
  return Object.entries(words as unknown as Record<string, string>)
    .filter(([key]) => key.startsWith('do_'))
    .map(([key, text]) => {
      const rest = key.slice(3);
      const noun = NOUNS.find((each) => rest.startsWith(`${each}_`)) ?? '';
      return { value: `${noun}.${rest.slice(noun.length + 1)}`, text };
    });
}

const PAGES: Record<string, string> = {
  ttl: '/console/titles/', pur: '/console/orders/', vwr: '/console/viewers/', ses: '/console/sessions/',
};

export function subjectPage(subject: string): string | null {
  const base = PAGES[subject.split('_')[0] ?? ''];
  return base === undefined ? null : base + encodeURIComponent(subject);
}
