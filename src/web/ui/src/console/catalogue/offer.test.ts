import { expect, test } from 'vitest';
import { en as common_en, zh as common_zh } from '../../lib/words/common';
import type { Offer } from '../api/catalogue';
import { en, zh } from '../words/windows';
import { parseCutoff, salesEnd, termsText, typedCutoff } from './offer';

const price = { amount: 1800, currency: 'CNY' };
const offer: Offer = {
  id: 'off_1', title_id: 'ttl_1', avail_id: 'avl_1', kind: 'pvod', list_price: price, member_price: null, clock: { on_purchase: { watch_s: 172_800 } },
  streams: 1, presale_from_at: null, sales_cutoff_s: 0, withdrawn_at: null,
};

test('a time before the end of a window is typed in minutes or hours', () => {
  expect([parseCutoff('90', 'minutes'), parseCutoff('1.5', 'hours'), parseCutoff(' ２ ', 'hours')]).toEqual([5_400, 5_400, 7_200]);
  expect([parseCutoff('', 'hours'), parseCutoff('0', 'minutes')]).toEqual([0, 0]);
  // 30 days at most.
  expect([parseCutoff('720', 'hours'), parseCutoff('720.01', 'hours'), parseCutoff('43200', 'minutes'), parseCutoff('43201', 'minutes')]).toEqual([2_592_000, null, 2_592_000, null]);
  expect([parseCutoff('-1', 'hours'), parseCutoff('an hour', 'hours'), parseCutoff('1,5', 'hours')]).toEqual([null, null, null]);
});

test('what was typed before stands in the form again', () => {
  expect([typedCutoff(0), typedCutoff(7_200), typedCutoff(5_400), typedCutoff(90)]).toEqual([
    { text: '', unit: 'hours' }, { text: '2', unit: 'hours' }, { text: '90', unit: 'minutes' }, { text: '1.5', unit: 'minutes' },
  ]);
});

test('the row says until when it is sold, where that is before the end', () => {
  const terms = (sales_cutoff_s: number) => termsText({ ...offer, sales_cutoff_s }, 'UTC', en, common_en, 'en');
  expect(terms(0)).toBe('Watch for 48 hours from the purchase · one device at once');
  expect(terms(5_400)).toBe('Watch for 48 hours from the purchase · one device at once · sold until 1 hour 30 minutes before the window ends');
  expect(termsText({ ...offer, sales_cutoff_s: 3_600 }, 'UTC', zh, common_zh, 'zh-CN')).toContain('窗口期结束前 1小时停售');
  const end_at = '2027-01-10T00:00:00Z';
  const ends = (end_at: string | null, hard_end_at: string | null) => salesEnd({ end_at, hard_end_at }, 3_600);
  expect([ends(end_at, null), ends(null, null), ends(null, end_at)]).toEqual([Date.UTC(2027, 0, 9, 23), null, Date.UTC(2027, 0, 9, 23)]);
  expect([ends(end_at, '2027-01-05T00:00:00Z'), ends(end_at, '2027-01-12T00:00:00Z')]).toEqual([Date.UTC(2027, 0, 4, 23), Date.UTC(2027, 0, 9, 23)]);
});
