import { expect, test } from 'vitest';
import type { Deal } from './api/partners';
import { channelsOf, lacking, moved, phaseOf } from './collection';

test('a title goes one place up or down, and not past the ends', () => {
  const ids = ['a', 'b', 'c'];
  expect([moved(ids, 'b', -1), moved(ids, 'b', 1), moved(ids, 'a', -1), moved(ids, 'c', 1), moved(ids, 'x', 1)].map((each) => each.join(''))).toEqual(['bac', 'acb', 'abc', 'abc', 'abc']);
  expect(ids).toEqual(['a', 'b', 'c']);
});

test('it is open from its start to its end', () => {
  const at = (now: number, end_at: string | null = '1970-01-01T00:00:02Z') => phaseOf({ start_at: '1970-01-01T00:00:01Z', end_at }, now);
  expect([999, 1000, 1999, 2000].map((now) => at(now))).toEqual(['ahead', 'open', 'open', 'over']);
  expect(at(9e12, null)).toBe('open');
});

test('a showcase knows what it may not air, and what its channels are called', () => {
  const airing = (deal_id: string | null) => ({ title_id: 't', deal_id, starts_at: null, ends_at: null, runs: null, slots: [] });
  expect([lacking({ airings: [] }), lacking({ airings: [airing('d'), airing(null), airing(null)] })]).toEqual([0, 2]);
  const on = (party_id: string, channel: string): Pick<Deal, 'party_id' | 'carriage'> => ({ party_id, carriage: { kind: 'broadcast', channel, clearance: '', runs: 1, slots: [], catch_up: false } });
  expect(channelsOf([on('p', 'Six'), on('q', 'Nine'), on('p', 'Film'), on('p', 'Six'), { party_id: 'p', carriage: { kind: 'cinema' } }], 'p')).toEqual(['Film', 'Six']);
});
