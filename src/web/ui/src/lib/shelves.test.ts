import { expect, test } from 'vitest';
import type { Decision, Offer, Title } from './api';
import { wallOf } from './shelves';

const sold = (rest: Partial<Offer> = {}): Offer => ({
  id: 'off_1',
  kind: 'pvod',
  price: { amount: 1, currency: 'CNY' },
  list_price: { amount: 1, currency: 'CNY' },
  watch_hours: 48,
  opens_at: '2027-01-01T00:00:00Z',
  closes_at: null,
  on_sale: true,
  ...rest,
});
const no = (code: string): Decision => ({ allow: false, code, message: '' });
const yes: Decision = { allow: true, via: 'free', starts_clock: false };
const title = (id: string, state: Title['state'], decision: Decision, rest: Partial<Title> = {}): Title => ({
  id,
  name: {},
  runtime_ms: 1,
  poster_url: null,
  state,
  decision,
  offers: [],
  ...rest,
});
const rental = title('rental', 'for_sale', no('PAYMENT_REQUIRED'), { offers: [sold({ kind: 'rental' })] });
const pvod = title('pvod', 'for_sale', no('PAYMENT_REQUIRED'), { offers: [sold()] });
const presale = title('presale', 'for_sale', no('WINDOW_NOT_OPEN'), { offers: [sold({ presale: true })] });
const soon = title('soon', 'opens_later', no('WINDOW_NOT_OPEN'), { opens_at: '2027-02-01T00:00:00Z' });
const member = title('member', 'member', no('MEMBERSHIP_REQUIRED'));
const free = title('free', 'free', yes);
const away = title('away', 'not_available', no('GEO_NOT_LICENSED'));

const shelved = (titles: Title[]) => {
  const { lead, shelves } = wallOf(titles);
  return [lead?.id ?? null, ...shelves.map(({ name, titles }) => `${name}: ${titles.map(({ id }) => id).join(' ')}`)];
};

test('the premiere leads, and everything else stands on its shelf in the server’s order', () => {
  expect(shelved([rental, pvod, free, member, presale, soon, away])).toEqual([
    'pvod',
    'now: rental',
    'soon: presale soon',
    'members: member',
    'free: free',
    'away: away',
  ]);
});

test('without a premiere the next one leads, then what is on, and what nobody may watch never', () => {
  expect(shelved([rental, presale])[0]).toBe('presale');
  expect(shelved([free, rental])[0]).toBe('rental');
  expect(shelved([away, soon])[0]).toBe('soon');
  expect(shelved([away])).toEqual([null, 'away: away']);
  expect(shelved([])).toEqual([null]);
});

test('a premiere that was bought still leads; what was begun is in front, the last first', () => {
  const at = (updated_at: string) => ({ progress: { part: 1, position_ms: 9_000, duration_ms: 99_000, updated_at } });
  const begun = title('begun', 'free', yes, at('2027-01-01T00:00:00Z'));
  const later = { ...pvod, state: 'acquired' as const, decision: yes, ...at('2027-01-02T00:00:00Z') };
  expect(shelved([begun, later])).toEqual(['pvod', 'continue: pvod begun', 'free: begun']);
});
