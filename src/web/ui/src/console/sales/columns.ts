// The columns of orders, as the list and a viewer's page show them.

import type { Tone } from '../../kit/Badge.svelte';
import type { Column } from '../../kit/table';
import { instant, localized, major, money } from '../../lib/format';
import type { Locale, Shape } from '../../lib/words/shape';
import type { PurchaseRow, PurchaseStatus } from '../api/sales';
import { territoryName } from '../entry/territory';
import type { en } from '../words/orders';

export const statusTones: Record<PurchaseStatus, Tone> = {
  paid: 'good', pending: 'info', declined: 'bad', expired: 'neutral', refunded: 'warn',
};

type Cell = NonNullable<Column<PurchaseRow>['cell']>;

export function orderColumns(words: Shape<typeof en>, locale: Locale, status: Cell, whose: boolean): Column<PurchaseRow>[] {
  const columns: (Column<PurchaseRow> & { whose?: true })[] = [
    { key: 'title', label: words.col_title, value: (row) => localized(row.name, locale) },
    { key: 'viewer', label: words.col_viewer, value: (row) => row.viewer_email, whose: true },
    { key: 'when', label: words.col_when, value: (row) => row.created_at, text: (row) => instant(row.created_at, locale), align: 'end' },
    { key: 'status', label: words.col_status, value: (row) => words[`status_${row.status}`], cell: status },
    { key: 'price', label: words.col_price, value: (row) => major(row.price), text: (row) => money(row.price, locale), align: 'end' },
    {
      key: 'discount', label: words.discount, export_only: true,
      value: (row) => (row.discount ? major(row.discount) : null), text: (row) => (row.discount ? money(row.discount, locale) : '—'),
    },
    { key: 'tier', label: words.col_tier, value: (row) => (row.is_member_price ? words.tier_member : words.tier_list), wide_only: true },
    {
      key: 'territory', label: words.col_territory, wide_only: true,
      value: (row) => row.territory, text: (row) => (row.territory ? territoryName(row.territory, locale) : '—'),
    },
    { key: 'product', label: words.product, value: (row) => (row.product ? words[`product_${row.product.kind}`] : null), export_only: true },
    { key: 'storefront', label: words.col_storefront, value: (row) => row.storefront_slug, export_only: true },
  ];
  return columns.filter((column) => whose || !column.whose);
}
