// Voucher codes as people type and paste them: XXXXX-XXXXX-XXXXX-XXXXX in Crockford's base 32, which has no I, L, O, U.

export const VOUCHER_CHARS = 20;
const GROUP = 5;

/** The code's own characters: any case, spaces, dashes, full-width forms, and what is mistaken for a digit. */
export function voucherCode(typed: string): string {
  return typed
    .normalize('NFKC')
    .toUpperCase()
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1')
    .replace(/[^0-9A-HJKMNP-TV-Z]/g, '');
}

/** As it is printed. */
export function voucherText(typed: string): string {
  const code = voucherCode(typed).slice(0, VOUCHER_CHARS);
  return code.match(new RegExp(`.{1,${GROUP}}`, 'g'))?.join('-') ?? '';
}
