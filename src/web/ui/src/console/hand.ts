// What needs a hand, worded, and where it is mended.

import { bytes, count, duration, percent, relative } from '../lib/format';
import type { Localized } from '../lib/api';
import type { Locale, Shape } from '../lib/words/shape';
import type { Board, Hand, Level } from './api/board';
import type { en } from './words/hand';

export interface Told {
  text: string;
  /** What the link that mends it says, and where it leads. */
  act: string | null;
  href: string | null;
}

export function tell(hand: Hand, words: Shape<typeof en>, locale: Locale, title: string, now: Date): Told {
  const when = hand.at === null ? '' : relative(hand.at, locale, now);
  const to = hand.title_id === null ? null : `/console/titles/${encodeURIComponent(hand.title_id)}`;
  const begun = hand.at !== null && Date.parse(hand.at) <= now.getTime();
  const tab = (name: string) => (to === null ? '/console/titles' : `${to}?tab=${name}`);
  switch (hand.code) {
    case 'WINDOW_OPENS_NO_ASSET':
      return { text: words[begun ? 'WINDOW_OPENS_NO_ASSET_begun' : 'WINDOW_OPENS_NO_ASSET'](title, when), act: words.WINDOW_OPENS_NO_ASSET_do, href: tab('film') };
    case 'WINDOW_OPENS_NO_OFFER':
      return { text: words[begun ? 'WINDOW_OPENS_NO_OFFER_begun' : 'WINDOW_OPENS_NO_OFFER'](title, when), act: words.WINDOW_OPENS_NO_OFFER_do, href: tab('windows') };
    case 'WINDOW_CLOSES_SOON':
      return { text: words.WINDOW_CLOSES_SOON(title, when), act: words.WINDOW_CLOSES_SOON_do, href: tab('windows') };
    case 'LIVE_WITHOUT_WINDOW':
      return { text: words.LIVE_WITHOUT_WINDOW(title), act: words.LIVE_WITHOUT_WINDOW_do, href: tab('windows') };
    case 'PREMIERE_DRIFT': {
      const party = fact(hand, 'party') ?? '';
      const drift = fact(hand, 'drift');
      const opened_at = fact(hand, 'opened_at');
      const told = { act: words.PREMIERE_DRIFT_do, href: tab('windows') };
      if ((drift !== 'early' && drift !== 'late') || opened_at === null || hand.at === null) {
        return { text: words.PREMIERE_DRIFT_unreported(party, title, when), ...told };
      }
      const span = duration(Math.abs(Date.parse(opened_at) - Date.parse(hand.at)), locale);
      return { text: words[`PREMIERE_DRIFT_${drift}`](party, title, span), ...told };
    }
    case 'DELIVERY_MISSING': {
      const { missing_parts } = hand.facts;
      const parts = Array.isArray(missing_parts) ? missing_parts.filter((part) => typeof part === 'number') : [];
      const list = new Intl.ListFormat(locale, { type: 'conjunction' }).format(parts.map((part) => count(part, locale)));
      const text = words[begun ? 'DELIVERY_MISSING_begun' : 'DELIVERY_MISSING'](fact(hand, 'channel') ?? '', fact(hand, 'party') ?? '', title, when, parts.length > 1 ? list : '');
      return { text, act: words.DELIVERY_MISSING_do, href: tab('windows') };
    }
    case 'JOB_FAILED': {
      const name = fact(hand, 'source_name') ?? title;
      return { text: words.JOB_FAILED(name), act: words.JOB_FAILED_do, href: '/console/uploads' };
    }
    case 'PAYMENT_PENDING_LATE': {
      const href = hand.subject === null ? '/console/orders?status=pending' : `/console/orders/${encodeURIComponent(hand.subject)}`;
      const text = title === '' ? words.PAYMENT_PENDING_LATE_product(when) : words.PAYMENT_PENDING_LATE(title, when);
      return { text, act: words.PAYMENT_PENDING_LATE_do, href };
    }
    case 'ORIGIN_UNKNOWN':
      return { text: words.ORIGIN_UNKNOWN(title), act: words.ORIGIN_UNKNOWN_do, href: tab('details') };
    case 'LICENCE_CHANGE_PENDING':
      return { text: words.LICENCE_CHANGE_PENDING(title), act: words.LICENCE_CHANGE_PENDING_do, href: tab('film') };
    case 'LICENCE_EXPIRES_SOON':
    case 'LICENCE_EXPIRED': {
      const expires_at = fact(hand, 'expires_at');
      const ends = expires_at === null ? '' : relative(expires_at, locale, now);
      return { text: words[hand.code](title, ends), act: words[`${hand.code}_do`], href: tab('film') };
    }
    case 'DISK_LOW': {
      const free = hand.facts.free_bytes;
      return {
        text: words.DISK_LOW(typeof free === 'number' ? bytes(free, locale) : ''),
        act: words.DISK_LOW_do,
        href: '/console/settings',
      };
    }
    case 'NO_TITLES':
      return { text: words.NO_TITLES, act: words.NO_TITLES_do, href: '/console/titles?do=new' };
    case 'STATE_FALLBACK':
      return { text: words.STATE_FALLBACK, act: words.STATE_FALLBACK_do, href: '/console/settings' };
    case 'OWNER_MISSING':
      return { text: words.OWNER_MISSING, act: words.OWNER_MISSING_do, href: '/console/settings' };
    default:
      return { text: words.unknown(hand.code), act: null, href: null };
  }
}

function fact(hand: Hand, name: string): string | null {
  const value = hand.facts[name];
  return typeof value === 'string' ? value : null;
}

/** The name that the board gives a title, where it gives one. */
export function givenName(hand: Hand): Localized | undefined {
  const name = hand.facts.name ?? hand.facts.title_name;
  return typeof name === 'object' && name !== null ? (name as Localized) : undefined;
}

export interface Health {
  level: Level;
  text: string;
}

/** One sentence: the worst thing there is, else how playback went in the last hour. */
export function healthOf(board: Board, words: Shape<typeof en>, locale: Locale): Health {
  const { level, code, facts } = board.health;
  const number = (name: string) => count(typeof facts[name] === 'number' ? facts[name] : 0, locale);
  switch (code) {
    case 'ALL_GOOD':
      if (facts.starts === 0 && facts.viewers_now === 0) return { level, text: words.health_quiet };
      return { level, text: words.health_good(number('viewers_now'), number('starts'), number('failures')) };
    case 'START_FAILURES': {
      const share = percent(typeof facts.share === 'number' ? facts.share : 0, locale);
      return { level, text: words.health_failures(number('starts'), number('failures'), share) };
    }
    case 'CLOCK_DOUBTFUL':
      return { level, text: words.health_clock };
    case 'PAYMENT_PENDING_LATE':
      return { level, text: words.health_payments(number('count')) };
    case 'JOB_FAILED':
      return { level, text: words.health_jobs(number('count')) };
    case 'PREMIERE_DRIFT':
      return { level, text: words.health_premieres(number('count')) };
    case 'DELIVERY_MISSING':
      return { level, text: words.health_files(number('count')) };
    case 'STATE_FALLBACK':
      return { level, text: words.STATE_FALLBACK };
    case 'DISK_LOW':
      return { level, text: words.DISK_LOW(typeof facts.free_bytes === 'number' ? bytes(facts.free_bytes, locale) : '') };
    case 'WINDOW_OPENS_NO_ASSET':
      return { level, text: words.health_no_asset };
    case 'WINDOW_OPENS_NO_OFFER':
      return { level, text: words.health_no_offer };
    case 'LICENCE_EXPIRED':
      return { level, text: words.health_licence };
    default:
      return { level, text: words.unknown(code) };
  }
}
