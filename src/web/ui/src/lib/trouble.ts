// What a code means to a viewer: what happened and what to do, in words.

import type { NextStep, Trouble } from './http';
import { instant } from './format';
import type { Locale, TroubleWords as Words } from './words';

type Denial = { [Key in keyof Words]: Key extends `denial_${infer Code}` ? Code : never }[keyof Words];

export interface Said {
  what: string;
  todo: string;
}

export function say(trouble: Trouble, words: Words, locale: Locale): Said {
  const code = knownCode(trouble, words);
  if (code === 'PAYMENT_REQUIRED') {
    const unlock = trouble.next?.find((step) => step.action === 'unlock');
    if (unlock) return { what: words.episode_is_locked, todo: words.remedy_unlock(unlock.coins) };
  }
  const what = code === 'UNKNOWN' ? (trouble.detail ?? words.denial_UNKNOWN) : words[`denial_${code}`];
  if (code === 'PIN_WRONG') return { what, todo: words.remedy_tries(trouble.tries_left ?? 0) };
  if (code === 'PIN_LOCKED') return { what, todo: words.remedy_pin_wait(instant(trouble.locked_until ?? '', locale)) };
  return { what, todo: remedy(code, trouble.next ?? [], words, locale) };
}

function knownCode(trouble: Trouble, words: Words): Denial {
  const known = (code: string | undefined): code is Denial => code !== undefined && `denial_${code}` in words;
  if (known(trouble.code)) return trouble.code;
  if (known(trouble.means)) return trouble.means;
  return trouble.means?.startsWith('HTTP_5') ? 'INTERNAL' : 'UNKNOWN';
}

function remedy(code: Denial, next: NextStep[], words: Words, locale: Locale): string {
  const wait = next.find((step) => step.action === 'wait');
  if (wait) return words.remedy_wait(instant(wait.opens_at, locale));
  switch (code) {
    case 'PAYMENT_REQUIRED':
      return words.remedy_buy;
    case 'MEMBERSHIP_REQUIRED':
      return words.remedy_join;
    case 'RENTAL_EXPIRED':
    case 'START_BY_PASSED':
      return next.some((step) => step.action === 'buy') ? words.remedy_rent_again : words.remedy_support;
    case 'TOO_MANY_STREAMS':
      return words.remedy_other_device;
    case 'DEVICE_LIMIT':
      return words.remedy_sign_out_device;
    case 'PIN_REQUIRED':
      return words.remedy_pin;
    case 'PIN_INVALID':
      return words.remedy_check_entry;
    case 'INVITATION_REVOKED':
    case 'SCREENING_OVER':
      return words.remedy_inviter;
    case 'SESSION_EXPIRED':
    case 'SESSION_ENDED':
      return words.remedy_play_again;
    case 'FILM_INTERRUPTED':
      return words.remedy_interrupted;
    case 'SERVER_DRAINING':
    case 'TITLE_SUSPENDED':
    case 'ENTITLEMENT_HOOK_UNAVAILABLE':
    case 'CARD_NOT_READY':
    case 'RENDITION_NOT_READY':
    case 'RATE_LIMITED':
    case 'PRICE_CHANGED':
    case 'SALES_CLOSED':
    case 'INTERNAL':
      return words.remedy_later;
    case 'PASSWORD_INVALID':
      return words.remedy_password;
    case 'OFFER_NOT_FOUND':
    case 'OFFER_WITHDRAWN':
    case 'PRODUCT_NOT_FOUND':
    case 'PRODUCT_WITHDRAWN':
    case 'PRODUCT_NOT_OPEN':
    case 'PRODUCT_CLOSED':
      return words.remedy_reload_products;
    case 'BUNDLE_OWNED_IN_PART':
      return words.remedy_buy_others;
    case 'BUNDLE_INCOMPLETE':
      return words.remedy_buy_single;
    case 'TOO_MANY_COIN_LOTS':
      return words.remedy_spend_coins;
    case 'COUPON_UNKNOWN':
      return words.remedy_coupon;
    case 'COUPON_EXPIRED':
    case 'COUPON_USED':
    case 'COUPON_EXHAUSTED':
    case 'COUPON_NOT_FOR_THIS':
      return words.remedy_no_coupon;
    case 'PURCHASE_PENDING':
      return words.remedy_finish_payment;
    case 'VOUCHER_UNKNOWN':
      return words.remedy_check_code;
    case 'VOUCHER_USED':
      return words.remedy_code_used;
    case 'VOUCHER_EXPIRED':
      return words.remedy_code_expired;
    case 'PURCHASE_NOT_FOUND':
    case 'PAYMENT_NOT_FOUND':
      return words.remedy_check_address;
    case 'TITLE_WITHDRAWN':
    case 'LICENCE_REVOKED':
      return words.remedy_withdrawn;
    case 'UNAUTHENTICATED':
      return words.remedy_sign_in;
    case 'PAYMENT_DECLINED':
      return words.remedy_other_payment;
    case 'ALREADY_OWNED':
      return words.remedy_watch;
    case 'EMAIL_TAKEN':
    case 'EMAIL_INVALID':
    case 'DISPLAY_NAME_INVALID':
    case 'PASSWORD_WRONG':
    case 'SIGN_IN_FAILED':
      return words.remedy_check_entry;
    case 'NETWORK':
      return words.remedy_network;
    case 'MEDIA':
      return words.remedy_media;
    case 'UNSUPPORTED':
      return words.remedy_browser;
    case 'WINDOW_NOT_OPEN':
    case 'WINDOW_CLOSED':
    case 'GEO_NOT_LICENSED':
    case 'LICENCE_REQUIRED':
    case 'LANGUAGE_HELD_BACK':
    case 'CLEAN_EDIT_MISSING':
      return next.some((step) => step.action === 'buy') ? words.remedy_buy : words.remedy_none;
    case 'TOO_FEW_COINS':
    case 'SERIES_NOT_FOUND':
    case 'COLLECTION_NOT_FOUND':
    case 'NOT_FOUND':
      return words.remedy_none;
    case 'PIN_WRONG':
    case 'PIN_LOCKED':
    case 'GRANT_REVOKED':
    case 'SESSION_REVOKED':
    case 'UNKNOWN':
      return words.remedy_support;
  }
}

const AGAIN = [
  'SESSION_EXPIRED', 'SESSION_ENDED', 'SESSION_REVOKED', 'FILM_INTERRUPTED', 'SERVER_DRAINING', 'TOO_MANY_STREAMS', 'DEVICE_LIMIT',
  'NETWORK', 'MEDIA',
];

/** Where Play may help: another session can be opened for the same right. */
export function mayPlayAgain({ code, means }: Trouble): boolean {
  return AGAIN.includes(code) || (means !== undefined && AGAIN.includes(means));
}
