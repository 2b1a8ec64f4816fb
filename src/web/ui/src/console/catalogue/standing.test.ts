import { expect, test } from 'vitest';
import type { Avail, Compliance, Holdback, Offer } from '../api/catalogue';
import type { Deal } from '../api/partners';
import { asksWhatIsSpoken, changesOf, placeOf, soundOf, type Plan } from './standing';

const at = (day: number) => Date.UTC(2027, 0, day);
const day = (n: number) => new Date(at(n)).toISOString();
const where = (...include: string[]) => ({ include, exclude: [] });

function avail(id: string, license_type: Avail['license_type'], from: number, to: number | null, territories = where('CN')): Avail {
  const times = { start_at: day(from), end_at: to === null ? null : day(to), hard_end_at: null, zone: 'UTC', languages: null, format_profile: 'uhd' as const };
  return { id, title_id: 'ttl_1', license_type, description: null, territories, ...times };
}
function offer(avail_id: string, fields: Partial<Offer> = {}): Offer {
  const price = { amount: 1800, currency: 'CNY' };
  const clock = { on_purchase: { watch_s: 1 } };
  return { id: 'off_1', title_id: 'ttl_1', avail_id, kind: 'pvod', list_price: price, member_price: null, clock, streams: 1, presale_from_at: null, sales_cutoff_s: 0, withdrawn_at: null, ...fields };
}
function deal(from: number, to: number | null, fields: Partial<Deal> = {}): Deal {
  return {
    id: 'dea_1', title: { id: 'ttl_1', name: {}, poster_url: null }, party_id: 'pty_1', party_name: 'Reef', contract: null, missing_parts: [], languages: null, format_profile: 'uhd',
    carriage: { kind: 'platform', license_type: 'vod', price: null, streams: null }, territories: where('CN'), start_at: day(from),
    end_at: to === null ? null : day(to), zone: 'UTC', exclusivity: { with_us: false, with: [], media: [] }, opened_at: null, drift_ms: null, alarm: null, ...fields,
  };
}
function holdback(lifts: number | null, fields: Partial<Holdback> = {}): Holdback {
  const event = { kind: 'cinema_opening' as const, opens_at: day(1), zone: 'UTC' };
  return { id: 'hbk_1', title_id: 'ttl_1', party: 'Circuit', contract: null, event, lag_days: 3, territories: where('CN'), license_types: [], event_at: day(1), lifts_at: lifts === null ? null : day(lifts), ...fields };
}
const plan = (fields: Partial<Plan>): Plan => ({ avails: [], offers: new Map(), deals: [], holdbacks: [], compliance: null, by_episode: false, sounds: [], ...fields });
const stands = (it: Plan, instant: number, territory = 'CN') => placeOf(it, territory, instant).standing;
const around = (it: Plan, edge: number) => [stands(it, edge - 1), stands(it, edge), stands(it, edge + 1)];

test('a life of windows, at each instant before, at and after', () => {
  const life = plan({
    avails: [avail('a', 'vod', 5, 10), avail('b', 'svod', 10, 20), avail('c', 'avod', 20, 30)],
    offers: new Map([['a', [offer('a', { presale_from_at: day(3) })]]]),
  });
  expect(around(life, at(3))).toEqual(['later', 'presale', 'presale']);
  expect(around(life, at(5))).toEqual(['presale', 'for_sale', 'for_sale']);
  expect(around(life, at(10))).toEqual(['for_sale', 'members', 'members']);
  expect(around(life, at(20))).toEqual(['members', 'free', 'free']);
  expect(around(life, at(30))).toEqual(['free', 'over', 'over']);
  expect(stands(life, at(6), 'FR')).toBe('none');
  expect(placeOf(life, 'CN', at(1)).opens_at).toBe(at(5));
  expect(changesOf(life)).toEqual([3, 5, 10, 20, 30].map(at));
});

test('what is sold beside members is still members’, and both are said', () => {
  const both = plan({ avails: [avail('a', 'vod', 1, 20), avail('b', 'svod', 10, 20)], offers: new Map([['a', [offer('a')]]]) });
  expect(stands(both, at(10))).toBe('members');
  expect(placeOf(both, 'CN', at(10)).also_for_sale).toBe(true);
  // Early access ends with the window of the members.
  const early = plan({ ...both, offers: new Map([['a', [offer('a', { clock: { until_members: { watch_s: 1 } } })]]]) });
  expect(around(early, at(10))).toEqual(['for_sale', 'members', 'members']);
  expect(placeOf(early, 'CN', at(10)).also_for_sale).toBe(false);
});

test('early access lasts until members get all that is heard under its window', () => {
  const heard = (it: Avail, ...allow: string[]) => ({ ...it, languages: { allow } });
  const early = offer('a', { clock: { until_members: { watch_s: 1 } } });
  const paid = avail('a', 'vod', 1, 30);
  const beside = (...members: Avail[]) => plan({ avails: [paid, ...members], offers: new Map([['a', [early]]]), sounds: [['hi', 'ta']] });
  const sold = (it: Plan, instant: number) => placeOf(it, 'CN', instant).also_for_sale;
  // Members get it in Hindi from the 10th on, and in Tamil from the 15th on: then all of it in two windows together.
  const both = beside(heard(avail('b', 'svod', 10, 28), 'hi'), heard(avail('c', 'svod', 15, 28), 'ta'));
  expect([sold(both, at(10)), sold(both, at(15) - 1), sold(both, at(15)), sold(both, at(16))]).toEqual([true, true, false, false]);
  // What they had counts, once it is over, where it opened after early access did.
  const in_turn = beside(heard(avail('b', 'svod', 10, 14), 'hi'), heard(avail('c', 'svod', 15, 28), 'ta'));
  expect([sold(in_turn, at(15)), stands(in_turn, at(14)), stands(in_turn, at(29))]).toEqual([false, 'for_sale', 'no_price']);
  const before = beside(heard(avail('b', 'svod', 1, 14), 'hi'), heard(avail('c', 'svod', 15, 28), 'ta'));
  expect([sold(before, at(13)), sold(before, at(15))]).toEqual([true, true]);
  // A window for all languages ends it alone, and so does one for all but a language that the film does not speak.
  expect(sold(beside(avail('b', 'svod', 10, 28)), at(10))).toBe(false);
  const but = (...hold_back: string[]) => beside({ ...avail('b', 'svod', 10, 28), languages: { hold_back } });
  expect([sold(but('fr'), at(10)), sold(but('ta'), at(10)), sold(but('hi:sub'), at(10))]).toEqual([false, true, false]);
  // What is not heard under its own window is nothing that members have to get.
  const hindi_only = { ...both, avails: [heard(paid, 'hi'), heard(avail('b', 'svod', 10, 28), 'hi')] };
  expect(sold(hindi_only, at(10))).toBe(false);
  // Nobody knows what the film speaks: one window has to let out all that the other does, and two together are not asked.
  const unknown = { ...both, sounds: [] };
  expect(sold(unknown, at(16))).toBe(true);
  expect(sold({ ...hindi_only, sounds: [] }, at(10))).toBe(false);
});

test('what a film speaks is asked where members get some languages beside early access', () => {
  const members = { ...avail('b', 'svod', 10, null), languages: { allow: ['hi'] } };
  const early = new Map([['a', [offer('a', { clock: { until_members: { watch_s: 1 } } })]]]);
  const paid = avail('a', 'vod', 1, null);
  expect([asksWhatIsSpoken([paid, members], early), asksWhatIsSpoken([paid, avail('b', 'svod', 10, null)], early), asksWhatIsSpoken([paid, members], new Map([['a', [offer('a')]]]))]).toEqual([true, false, false]);
  const rendition = (kind: string, language: string | null) => ({ track: kind, kind, codec: 'x', language });
  expect(soundOf({ renditions: [rendition('video', null), rendition('audio', 'hi'), rendition('audio', null), rendition('subtitles', 'ta')] })).toEqual([['hi', null]]);
  expect([soundOf({ renditions: [] }), soundOf({ renditions: null }), soundOf(null)]).toEqual([[[]], [], []]);
});

test('a price is needed, unless it goes by the episode; one that is withdrawn is none', () => {
  const open = plan({ avails: [avail('a', 'vod', 1, null)] });
  expect(stands(open, at(2))).toBe('no_price');
  expect(stands({ ...open, by_episode: true }, at(2))).toBe('for_sale');
  const sold = plan({ ...open, offers: new Map([['a', [offer('a', { withdrawn_at: day(4) })]]]) });
  expect(around(sold, at(4))).toEqual(['for_sale', 'no_price', 'no_price']);
  // Sold until six hours before the end of the 9th, and no more.
  const cut = plan({ avails: [avail('a', 'vod', 1, 10)], offers: new Map([['a', [offer('a', { sales_cutoff_s: 21_600 })]]]) });
  const end = Date.UTC(2027, 0, 9, 18);
  expect(around(cut, end)).toEqual(['for_sale', 'no_price', 'no_price']);
  expect(changesOf(cut)).toEqual([at(1), end, at(10)]);
  expect(stands({ ...cut, avails: [avail('a', 'vod', 1, null)] }, at(400))).toBe('for_sale');
});

test('what is bought for good is sold in a window of its own, beside what members have', () => {
  const kept = plan({ avails: [avail('a', 'est', 1, null), avail('b', 'svod', 5, 9)], offers: new Map([['a', [offer('a', { kind: 'buy' })]]]) });
  expect(around(kept, at(5))).toEqual(['for_sale', 'members', 'members']);
  expect(around(kept, at(9))).toEqual(['members', 'for_sale', 'for_sale']);
  expect(stands({ ...kept, holdbacks: [holdback(4, { license_types: ['est'] })] }, at(2))).toBe('held');
  expect(stands({ ...kept, offers: new Map() }, at(2))).toBe('no_price');
});

test('a holdback holds until it lifts, and for ever where nobody knows when', () => {
  const held = plan({ avails: [avail('a', 'avod', 1, null)], holdbacks: [holdback(4)] });
  expect(around(held, at(4))).toEqual(['held', 'free', 'free']);
  expect(placeOf(held, 'CN', at(2)).opens_at).toBe(at(4));
  const unplanned = plan({ ...held, holdbacks: [holdback(null)] });
  expect(stands(unplanned, at(400))).toBe('held');
  expect(placeOf(unplanned, 'CN', at(2)).opens_at).toBe(null);
  expect(stands(plan({ ...held, holdbacks: [holdback(4, { license_types: ['svod'] })] }), at(2))).toBe('free');
});

test('what another party has alone is given, with and without a window of ours', () => {
  const given = plan({ avails: [avail('a', 'vod', 1, null)], offers: new Map([['a', [offer('a')]]]), deals: [deal(2, 6)] });
  expect(around(given, at(2))).toEqual(['for_sale', 'given', 'given']);
  expect(around(given, at(6))).toEqual(['given', 'for_sale', 'for_sale']);
  expect(around(plan({ deals: [deal(2, 6)] }), at(6))).toEqual(['given', 'none', 'none']);
  const shared = (fields: Partial<Deal>) => stands(plan({ ...given, deals: [deal(2, 6, fields)] }), at(3));
  expect(shared({ exclusivity: null })).toBe('for_sale');
  expect(shared({ languages: { allow: ['hi'] } })).toBe('given');
  const tamil = { ...avail('a', 'vod', 1, null), languages: { allow: ['ta'] } };
  expect(stands({ ...given, avails: [tamil], deals: [{ ...deal(2, 6), languages: { allow: ['hi'] } }] }, at(3))).toBe('for_sale');
  expect(shared({ exclusivity: { with_us: true, with: [], media: [] } })).toBe('for_sale');
  expect(shared({ exclusivity: { with_us: false, with: [], media: ['cinema'] } })).toBe('for_sale');
  expect(shared({ revoked_at: day(1) })).toBe('for_sale');
  expect(shared({ carriage: { kind: 'cinema' } })).toBe('for_sale');
  expect(shared({ carriage: { kind: 'cinema' }, exclusivity: { with_us: false, with: [], media: ['vod'] } })).toBe('given');
});

test('in China a licence is asked for, and nowhere else', () => {
  const both = where('CN', 'FR');
  const compliance = (fields: Partial<Compliance>): Compliance => ({
    state: 'none', clears_paid: false, clears_free: false, planning_number: null, submitted_at: null, confirmation: null, expires_at: null, revocations: [], ...fields,
  });
  const free = (is: Partial<Compliance>) => plan({ avails: [avail('a', 'avod', 1, null, both)], compliance: compliance(is) });
  expect(stands(free({}), at(2))).toBe('licence');
  expect(stands(free({}), at(2), 'FR')).toBe('free');
  expect(stands(free({ state: 'ordinary', clears_free: true }), at(2))).toBe('free');
  const licensed = free({ state: 'licensed', clears_paid: true, clears_free: true, expires_at: day(8) });
  expect(around(licensed, at(8))).toEqual(['free', 'licence', 'licence']);
});

test('nobody watches after a hard end', () => {
  const hard = plan({ avails: [{ ...avail('a', 'avod', 1, null), hard_end_at: day(4) }] });
  expect(around(hard, at(4))).toEqual(['free', 'over', 'over']);
});
