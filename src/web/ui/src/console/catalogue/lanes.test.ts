import { expect, test } from 'vitest';
import type { Avail, Holdback } from '../api/catalogue';
import type { Deal } from '../api/partners';
import { holdbackLanes, packed, partyLanes, spanOf, stretchesOf } from './lanes';

const deal = (id: string, party_id: string, start_at: string, end_at: string | null, revoked_at: string | null = null) =>
  ({ id, party_id, party_name: party_id, start_at, end_at, revoked_at }) as unknown as Deal;

test('deals that meet stand below each other, those that only touch beside each other', () => {
  const rows = packed([{ from: 0, to: 10 }, { from: 5, to: 7 }, { from: 10, to: null }, { from: 7, to: 8 }]);
  expect(rows).toEqual([[{ from: 0, to: 10 }, { from: 10, to: null }], [{ from: 5, to: 7 }, { from: 7, to: 8 }]]);
});

test('a lane for each party, whoever opens first first; what was revoked before it began was never there', () => {
  const lanes = partyLanes([
    deal('d1', 'reef', '2027-03-01T00:00:00Z', null),
    deal('d2', 'kestrel', '2027-02-01T00:00:00Z', '2027-02-10T00:00:00Z'),
    deal('d3', 'reef', '2027-01-01T00:00:00Z', null, '2027-01-05T00:00:00Z'),
    deal('d4', 'gull', '2027-01-01T00:00:00Z', null, '2026-12-05T00:00:00Z'),
  ]);
  expect(lanes.map(({ party, rows }) => [party, rows.map((row) => row.map((bar) => bar.deal.id))])).toEqual([
    ['reef', [['d3', 'd1']]],
    ['kestrel', [['d2']]],
  ]);
  expect(spanOf(deal('d3', 'reef', '2027-01-01T00:00:00Z', null, '2027-01-05T00:00:00Z'))?.to).toBe(Date.parse('2027-01-05T00:00:00Z'));
});

test('a holdback counts from a cinema or from the first window elsewhere, which may not be planned', () => {
  const opens_at = '2027-01-01T00:00:00Z';
  const base = { id: 'h', lag_days: 3, license_types: [] };
  const cinema = { ...base, event: { kind: 'cinema_opening', opens_at, zone: 'UTC' }, lifts_at: '2027-01-04T00:00:00Z' } as unknown as Holdback;
  const window = { ...base, event: { kind: 'window_opening', license_type: 'vod', territory: 'US' }, lifts_at: null } as unknown as Holdback;
  const avail = { license_type: 'vod', territories: { include: ['US'], exclude: [] }, start_at: '2027-02-01T00:00:00Z' } as unknown as Avail;
  const lanes = holdbackLanes([cinema, window], []);
  expect(lanes.map(({ event_at, lifts_at }) => [event_at, lifts_at])).toEqual([
    [Date.parse(opens_at), Date.parse('2027-01-04T00:00:00Z')],
    [null, null],
  ]);
  const deal = { ...cinema, event: { kind: 'deal_opening', deal_id: 'd' }, event_at: opens_at } as Holdback;
  expect(holdbackLanes([deal, { ...deal, event_at: null }], []).map(({ event_at }) => event_at)).toEqual([Date.parse(opens_at), null]);
  expect(holdbackLanes([window], [avail])[0]?.event_at).toBe(Date.parse(avail.start_at));
  expect(stretchesOf([], lanes)).toEqual([{ start_at: '2027-01-01T00:00:00.000Z', end_at: '2027-01-04T00:00:00.000Z' }]);
});
