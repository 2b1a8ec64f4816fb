// The columns of a Table.

import type { Snippet } from 'svelte';
import type { Cell } from '../lib/spreadsheet';

export interface Column<Row> {
  key: string;
  label: string;
  /** What is sorted and exported; numbers as numbers, money in whole units of its currency. */
  value: (row: Row) => Cell;
  /** What is shown as text, where that differs from `value`: formatted money, an instant. */
  text?: (row: Row) => string;
  /** What is shown, where that is more than text. */
  cell?: Snippet<[Row]>;
  align?: 'start' | 'end';
  sort?: boolean;
  /** Left out of a narrow screen's stacked rows. */
  wide_only?: boolean;
  /** Only in the export. */
  export_only?: boolean;
}

export interface Sort {
  key: string;
  way: 'ascending' | 'descending';
}

export function sorted<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort: Sort | null, locale: string): Row[] {
  const column = columns.find((candidate) => candidate.key === sort?.key);
  if (!column || !sort) return [...rows];
  const texts = new Intl.Collator(locale, { numeric: true });
  const order = (a: Cell, b: Cell): number => {
    if (typeof a === 'string' && typeof b === 'string') return texts.compare(a, b);
    return Number(a) - Number(b);
  };
  const sign = sort.way === 'ascending' ? 1 : -1;
  return rows
    .map((row) => ({ row, value: column.value(row) }))
    .sort((a, b) => {
      // What is not known stands last, whichever way.
      if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null);
      return sign * order(a.value, b.value);
    })
    .map(({ row }) => row);
}
