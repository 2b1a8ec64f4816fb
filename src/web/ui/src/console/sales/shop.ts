// How products, coupons and vouchers stand now, and what they are in a line.

import type { Tone } from '../../kit/Badge.svelte';
import { count, instant, localized, money, percent } from '../../lib/format';
import type { CommonWords } from '../../lib/words';
import type { Locale, Shape } from '../../lib/words/shape';
import type { VoucherBatch } from '../api/sales';
import type { Coupon, Off, Product, ProductGives } from '../api/shop';
import type { en } from '../words/shop';

type Words = Shape<typeof en>;

export type ProductState = 'on_sale' | 'coming' | 'over' | 'withdrawn';
export const productTones: Record<ProductState, Tone> = { on_sale: 'good', coming: 'info', over: 'neutral', withdrawn: 'neutral' };

export function productState({ withdrawn_at, on_sale, sold_from_at }: Product, now = Date.now()): ProductState {
  if (withdrawn_at !== null) return 'withdrawn';
  if (on_sale) return 'on_sale';
  return sold_from_at !== null && Date.parse(sold_from_at) > now ? 'coming' : 'over';
}

export function productText(gives: ProductGives, words: Words, common: CommonWords, locale: Locale, plan: (id: string) => string): string {
  switch (gives.kind) {
    case 'membership':
      return words.gives_membership(plan(gives.plan_id), common.days(gives.days));
    case 'coins': {
      const coins = words.gives_coins(count(gives.coins, locale));
      const all = gives.bonus > 0 ? words.gives_with(coins, count(gives.bonus, locale)) : coins;
      return gives.expires_after_days === null ? all : words.gives_for(all, common.days(gives.expires_after_days));
    }
    case 'bundle':
      return gives.titles.map(({ title }) => localized(title.name, locale)).join(words.comma);
  }
}

export type BatchState = 'open' | 'expired' | 'void';
export const batchTones: Record<BatchState, Tone> = { open: 'good', expired: 'neutral', void: 'bad' };

export function batchState({ void_at, expires_at }: Pick<VoucherBatch, 'void_at' | 'expires_at'>, now = Date.now()): BatchState {
  if (void_at !== null) return 'void';
  return Date.parse(expires_at) <= now ? 'expired' : 'open';
}

export type CouponState = 'open' | 'coming' | 'used_up' | 'expired' | 'void';
export const couponTones: Record<CouponState, Tone> = { open: 'good', coming: 'info', used_up: 'warn', expired: 'neutral', void: 'bad' };

export function couponState({ void_at, starts_at, ends_at, uses, uses_max }: Coupon, now = Date.now()): CouponState {
  if (void_at !== null) return 'void';
  if (Date.parse(ends_at) <= now) return 'expired';
  if (uses_max !== null && uses >= uses_max) return 'used_up';
  return Date.parse(starts_at) > now ? 'coming' : 'open';
}

/** “20% off”, “¥5.00 off”. */
export function offText(off: Off, words: Words, locale: Locale): string {
  return words.off('percent' in off ? percent(off.percent / 100, locale) : money(off.amount, locale));
}

export function spanText(from: string | null, until: string | null, words: Words, locale: Locale): string {
  if (from && until) return words.span(instant(from, locale), instant(until, locale));
  if (until) return words.span_until(instant(until, locale));
  return from ? words.span_from(instant(from, locale)) : words.span_open;
}

/** What the server takes for a code: upper and lower case are one. */
export const isCode = (text: string): boolean => /^[A-Z0-9-]{4,32}$/.test(text.trim().toUpperCase());

/** A whole number in its bounds, as it is typed; null where it is none. */
export function whole(text: string, least: number, most: number): number | null {
  const plain = text.normalize('NFKC').trim();
  if (!/^\d{1,9}$/.test(plain)) return null;
  const value = Number(plain);
  return value >= least && value <= most ? value : null;
}
