// What is sold besides the offers of titles, and the coupons that make orders cheaper, as the API gives them to operators.

import type { Localized, Money } from '../../lib/api';
import { operator } from '../api';
import type { ProductKind } from './sales';

export type ProductGives =
  | { kind: 'membership'; plan_id: string; days: number }
  | { kind: 'coins'; coins: number; bonus: number; expires_after_days: number | null }
  | { kind: 'bundle'; titles: { offer_id: string; title: { id: string; name: Localized }; list_price: Money }[] };

export interface Product {
  id: string;
  name: Localized;
  gives: ProductGives;
  price: Money;
  sold_from_at: string | null;
  sold_until: string | null;
  withdrawn_at: string | null;
  created_at: string;
  on_sale: boolean;
}

export type NewGives = Exclude<ProductGives, { kind: 'bundle' }> | { kind: 'bundle'; offer_ids: string[] };

export interface NewProduct {
  name: Localized;
  gives: NewGives;
  price: Money;
  sold_from_at: string | null;
  sold_until: string | null;
}

/** Hundredths of the price, or an amount. */
export type Off = { percent: number } | { amount: Money };

/** Who pays for what a coupon takes off. */
export const funders = ['platform', 'producer'] as const;
export type FundedBy = (typeof funders)[number];

export interface NewCoupon {
  code: string;
  off: Off;
  /** With both lists empty it is good for everything. */
  title_ids: string[];
  product_ids: string[];
  starts_at: string | null;
  ends_at: string;
  /** By all viewers together; null without a bound. */
  uses_max: number | null;
  uses_per_viewer: number;
  funded_by: FundedBy;
  note: string;
}

export interface Coupon extends Omit<NewCoupon, 'starts_at'> {
  id: string;
  starts_at: string;
  /** By orders that are pending or paid. */
  uses: number;
  void_at: string | null;
  created_at: string;
}

export type { ProductKind };

const segment = encodeURIComponent;

export const shop = {
  products(): Promise<Product[]> {
    return operator.list('/products?limit=200');
  },
  createProduct(body: NewProduct, key: string): Promise<Product> {
    return operator.call('POST', '/products', { body, key });
  },
  withdrawProduct(id: string): Promise<Product> {
    return operator.call('POST', `/products/${segment(id)}/withdraw`);
  },
  coupons(): Promise<Coupon[]> {
    return operator.list('/coupons?limit=200');
  },
  createCoupon(body: NewCoupon, key: string): Promise<Coupon> {
    return operator.call('POST', '/coupons', { body, key });
  },
  voidCoupon(id: string): Promise<Coupon> {
    return operator.call('POST', `/coupons/${segment(id)}/void`);
  },
};
