// Money as a person types it: "18", "18.00", "¥1,800". What is not money is refused, never guessed.

import type { Money } from '../../lib/api';

export type MoneyRefusal = 'empty' | 'not_money' | 'too_fine' | 'not_positive' | 'too_much';
export type MoneyEntry = { ok: true; money: Money } | { ok: false; why: MoneyRefusal };

/** The engine counts in 64-bit minor units; a price of a film is far below this. */
const AMOUNT_MAX = 10_000_000_00;

const refused = (why: MoneyRefusal): MoneyEntry => ({ ok: false, why });

export function digitsOf(currency: string): number {
  return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
}

export function parseMoney(text: string, currency: string, amount_max = AMOUNT_MAX): MoneyEntry {
  // Chinese keyboards also give full-width digits, signs and stops.
  const plain = text.normalize('NFKC').replace(/。/g, '.').trim();
  if (plain === '') return refused('empty');
  const bare = plain
    .replace(/^(?:[¥$€£]|CNY|RMB|[A-Z]{3}(?=[\s\d]))\s*/i, '')
    .replace(/\s*(?:元|块|圆|CNY|RMB)$/i, '')
    .trim();
  const match = /^(-?)(\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d+))?$/.exec(bare);
  if (!match) return refused('not_money');
  const [, sign, whole = '', fraction = ''] = match;
  const digits = digitsOf(currency);
  if (fraction.replace(/0+$/, '').length > digits) return refused('too_fine');
  const amount = Number(whole.replaceAll(',', '') + fraction.slice(0, digits).padEnd(digits, '0'));
  if (sign === '-' || amount <= 0) return refused('not_positive');
  if (amount > amount_max) return refused('too_much');
  return { ok: true, money: { amount, currency } };
}

/** The amount as it is typed: 1800 fen is "18.00". */
export function typed({ amount, currency }: Money): string {
  const digits = digitsOf(currency);
  if (digits === 0) return String(amount);
  const text = String(amount).padStart(digits + 1, '0');
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
