import { expect, test } from 'vitest';
import type { NextStep } from '../../lib/http';
import type { Explanation } from '../api/explain';
import { en } from '../words/windows';
import { besideOf, peopleOf } from './people';

function people(next: NextStep[], allow = false) {
  const answer: Explanation = { allow, code: null, via: null, rule: '', at: '', territory: 'CN', steps: [], next };
  return peopleOf(answer, en, 'en', 'Asia/Shanghai');
}
const seen = (...args: Parameters<typeof people>) => people(...args).map(({ yes, sees }) => `${yes ? 'yes' : 'no'}: ${sees}`);
const buy: NextStep = { action: 'buy', offer_id: 'off_1', price: { amount: 1800, currency: 'CNY' } };
const wait: NextStep = { action: 'wait', opens_at: '2027-02-01T16:00:00Z' };

test('who may watch is read from what a stranger is told to do', () => {
  expect(seen([], true)).toEqual(['yes: Watches free of charge', 'yes: Watches free of charge', 'yes: No need to buy']);
  expect(seen([buy, { action: 'join' }])).toEqual(['no: Cannot watch', 'yes: Watches as a member', 'yes: Can buy for ¥18.00 and watch']);
  expect(seen([{ action: 'unlock', part: 2, coins: 30 }])).toEqual(['no: Cannot watch', 'no: Cannot watch', 'yes: Unlocks each episode for 30 coins']);
  const later = 'no: Waits until 2 Feb 2027, 00:00 GMT+8';
  expect(seen([wait])).toEqual([later, later, 'no: Nothing is on sale']);
});

test('beside one another stands who would see something else', () => {
  const rows = besideOf(people([buy]), people([{ action: 'join' }]));
  expect(rows.map(({ who, now, then, is_other }) => [who, now.sees, then.sees, is_other])).toEqual([
    ['Without an account', 'Cannot watch', 'Cannot watch', false],
    ['A member', 'Cannot watch', 'Watches as a member', true],
    ['Whoever wants to buy', 'Can buy for ¥18.00 and watch', 'Nothing is on sale', true],
  ]);
});
