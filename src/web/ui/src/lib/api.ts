// The viewer's part of the API, as the pages use it.

import { campaign } from './campaign';
import { call, Failure, list, page, type NextStep, type Page } from './http';
import type { Batch } from '../player/recorder';
import type { Position } from '../player/progress';
import type { Place } from '../player/resume';

export interface Money {
  amount: number;
  currency: string;
}

export type Localized = Partial<Record<string, string>>;

export interface Viewer {
  id: string;
  email: string;
  display_name: string | null;
  member: boolean;
  membership_ends_at: string | null;
  /** The language that the viewer chose, where one was. */
  language?: string | null;
}

export interface Me {
  viewer: Viewer | null;
  territory: string | null;
  livemode: boolean;
  storefront?: string;
  /** On how many devices an account may watch. */
  device_limit?: number;
}

/** The brand that this host is. */
export interface Storefront {
  slug: string;
  name: Localized;
  tagline: Localized;
  /** The first is for whoever has not chosen. */
  languages: string[];
  currency: string;
  /** #rrggbb */
  accent: string;
  theme: 'auto' | 'light' | 'dark';
  /** The caller's. */
  territory: string | null;
  serves_here: boolean;
  /** Those that serve the caller's territory, when this one does not. */
  others: { name: Localized; url: string | null }[];
  livemode: boolean;
  payment_methods: string[];
}

export type Decision =
  | {
      allow: true;
      via: 'grant' | 'membership' | 'unlock' | 'free' | 'external' | 'screener';
      ends_at?: string | null;
      starts_clock: boolean;
      plays_until?: string | null;
    }
  | { allow: false; code: string; message: string; next?: NextStep[]; acquired?: boolean };

export interface Offer {
  id: string;
  /** `buy`: for good. */
  kind: 'pvod' | 'rental' | 'buy';
  price: Money;
  list_price: Money;
  member_price?: Money | null;
  /** Null where it is bought for good. */
  watch_hours: number | null;
  start_within_days?: number | null;
  /** Early access for members: it plays while its buyer is one, until all of them have the title. */
  until_members?: boolean;
  opens_at: string;
  closes_at: string | null;
  on_sale: boolean;
  /** It can be bought now although its window has not opened. */
  presale?: boolean;
  presale_from_at?: string | null;
  /** When viewing may begin for whoever buys now. */
  available_at?: string;
}

export interface Credit {
  name: Localized;
  role: 'director' | 'writer' | 'actor' | 'producer';
  character: Localized | null;
}

export interface Part {
  /** Counted from 1. */
  part: number;
  name: Localized | null;
  runtime_ms: number;
  /** From when it may be watched at all, where that is said for it. */
  opens_at?: string | null;
  /** About playing this part; null in a list of titles. */
  decision?: Decision | null;
  /** In which languages this caller may hear it, where it makes a difference which one is asked for; empty in a list of titles. */
  heard?: Heard[];
}

/** A language of a part's sound, and what plays where it is asked for. */
export interface Heard {
  /** BCP 47; `und` where a track declares none. */
  language: string;
  via: Extract<Decision, { allow: true }>['via'];
  starts_clock: boolean;
  /** It is heard too where no language is asked for. */
  is_first: boolean;
}

/** What somebody else's shop sells of a title. */
export interface Article {
  sku: string;
  name: Localized;
  price: Money | null;
  /** Leads on to the shop. */
  go_url: string;
  /** When a player shows it, from the beginning of a part. */
  cues: { part: number; at_ms: number }[];
}

/** Parts as episodes that are had one by one. */
export interface EpisodeTerms {
  /** Episodes 1 to this one are free. */
  free: number;
  /** What each of the others costs. */
  coins: number;
  /** How many a viewer may have a day for watching advertising. */
  rewarded_per_day: number;
}

/** When and how a title is on, where the caller is: `[start_at, end_at)`. */
export interface Window {
  license_type: 'vod' | 'est' | 'svod' | 'avod';
  description: string | null;
  start_at: string;
  end_at: string | null;
  /** Nobody watches from then on, whatever was bought. */
  hard_end_at: string | null;
  /** The IANA zone that the window was agreed in. */
  zone: string;
}

export interface Title {
  id: string;
  name: Localized;
  synopsis?: Localized;
  tagline?: Localized;
  cast?: Credit[];
  genres?: string[];
  year?: number | null;
  country?: string | null;
  content_rating?: string | null;
  /** From which age on it plays without a parental lock's PIN; null where nobody has rated it. */
  min_age?: number | null;
  merchandise?: Article[];
  runtime_ms: number;
  /** A title in one piece has one part, or says nothing. */
  parts?: Part[];
  episodes?: EpisodeTerms | null;
  trailer?: { runtime_ms: number } | null;
  /** Further short films about it; not in a list of titles. */
  clips?: { name: Localized; runtime_ms: number }[];
  /** The beginning of the film, which anybody may watch now. */
  preview?: { runtime_ms: number } | null;
  /** Of which series it is which season, and the others that are listed here, by their numbers. */
  season?: { series_id: string; number: number; series_name: Localized; others: { title_id: string; number: number; name: Localized }[] } | null;
  /** Under which it is shown in China; the number stands on its page. */
  licence?: { kind: 'online_release' | 'theatrical_release' | 'online_filing'; number: string } | null;
  windows?: Window[];
  /** Where this viewer stopped last, on any device. */
  progress?: Place | null;
  /** The next opening for this caller, when none is open. */
  opens_at?: string | null;
  poster_url: string | null;
  poster_portrait_url?: string | null;
  backdrop_url?: string | null;
  state: 'for_sale' | 'member' | 'free' | 'opens_later' | 'not_available' | 'acquired';
  decision: Decision;
  offers: Offer[];
}

export const outcomes = ['paid', 'declined', 'pending', 'qr_code', 'challenge', 'callback_twice'] as const;
export type Outcome = (typeof outcomes)[number];

/** Several titles that are its seasons. */
export interface Series {
  id: string;
  name: Localized;
  synopsis: Localized;
  seasons: (Title & { number: number })[];
}

/** Titles that are shown together under a theme for a time, in a list. */
export interface CollectionBrief {
  id: string;
  name: Localized;
  synopsis: Localized;
  start_at: string;
  end_at: string | null;
  /** The first few that are on show here, and how many are. */
  titles: Title[];
  count: number;
}

/** One run on a channel: `[start_at, end_at)`. */
export interface Slot {
  start_at: string;
  end_at: string;
}

/** The period in which a channel may show a title, and when it does, as far as that is settled. */
export interface Airing {
  starts_at: string;
  ends_at: string | null;
  slots: Slot[];
}

export interface Collection extends Omit<CollectionBrief, 'titles' | 'count'> {
  /** The television channel that carries it too. */
  channel: string | null;
  titles: (Title & { airing: Airing | null })[];
}

/** A title as far as a list of something else names it. */
export interface TitleBrief {
  id: string;
  name: Localized;
  poster_url: string | null;
}

export interface Grant {
  id: string;
  title_id: string;
  purchase_id: string | null;
  voucher_id?: string | null;
  phase: 'upcoming' | 'unstarted' | 'running' | 'expired' | 'start_by_passed' | 'revoked';
  issued_at: string;
  /** When viewing may begin; later than `issued_at` for what was sold before its window. */
  available_at?: string;
  /** When the viewing period began; null before first play. */
  first_play_at: string | null;
  /** The instant from which nothing plays under it, as things stand; null where it was bought for good. */
  expires_at: string | null;
  /** What outages have added to the period that `expires_at` ends. */
  extended_seconds?: number;
  streams: number;
  revoked_at: string | null;
  livemode: boolean;
}

export type GrantRow = Grant & { title: TitleBrief };

/** What a payer has to do while a purchase is pending. */
export interface PaymentAction {
  type: 'qr_code' | 'challenge';
  /** A path of this server, or a provider's URL. */
  url: string;
  expires_at: string;
}

/** A product as far as a list of something else names it. */
export interface ProductBrief {
  id: string;
  kind: ProductGives['kind'];
  name: Localized;
}

/** What is sold besides the offers of titles. */
export interface Product {
  id: string;
  name: Localized;
  price: Money;
  gives: ProductGives;
  /** From when it is sold no more. */
  sold_until: string | null;
}

export type ProductGives =
  | { kind: 'membership'; plan_id: string; days: number }
  | { kind: 'coins'; coins: number; bonus: number; expires_after_days: number | null }
  | { kind: 'bundle'; titles: BundleTitle[] };

export type ProductOf<Kind extends ProductGives['kind']> = Product & { gives: Extract<ProductGives, { kind: Kind }> };

export interface BundleTitle {
  offer_id: string;
  title: TitleBrief;
  /** What it costs by itself. */
  list_price: Money;
}

/** What an order would come to now. */
export interface Quote {
  price: Money;
  /** What the coupon takes off. */
  discount: Money | null;
  is_member_price: boolean;
  /** Members get the same without paying from then on, within a day. */
  members_from_at?: string | null;
}

/** One of both. */
export type Wanted = { offer_id: string } | { product_id: string };
/** `accepted_members_from_at` is what the buyer was told of it and ticked. */
export type OrderEntry = Wanted & { coupon?: string; accepted_members_from_at?: string };

/** Time as a member that was bought. */
export interface BoughtMembership {
  id: string;
  plan_id: string;
  starts_at: string;
  ends_at: string;
  /** When it was ended early. */
  ended_at: string | null;
}

/** Why an order came to nothing although its payment arrived: what it was for had another price by then, or none. */
export type ClosedBecause = 'member_price_changed' | 'members_have_it' | 'membership_ended';

export interface Purchase {
  id: string;
  status: 'paid' | 'pending' | 'declined' | 'refunded' | 'expired';
  closed_because?: ClosedBecause | null;
  /** Of an offer; of a product these are null. */
  title_id: string | null;
  title: TitleBrief | null;
  offer_id: string | null;
  offer_kind: Offer['kind'] | null;
  product: ProductBrief | null;
  /** What is paid. */
  price: Money;
  list_price: Money | null;
  is_member_price: boolean;
  /** What a coupon took off. */
  discount: Money | null;
  /** The number of the receipt. */
  number: string;
  provider: string;
  payment: PaymentAction | null;
  livemode: boolean;
  created_at: string;
  paid_at: string | null;
  refunded_at: string | null;
  refund_reason: string | null;
  grant?: Grant | null;
  /** What a bundle gave. */
  grants?: Grant[];
  membership?: BoughtMembership | null;
  /** Coins that it gave, such as were given with them included. */
  coins?: number | null;
}

export interface CashierPayment {
  payment_id: string;
  amount: Money;
  name: Localized;
  status: 'pending' | 'paid' | 'declined' | 'expired';
}

/** One place where the viewer is signed in. */
export interface SignInRecord {
  id: string;
  device: string;
  created_at: string;
  last_seen_at: string;
  /** Since when it is one of the devices that the account watches on. */
  registered_at?: string | null;
  current: boolean;
}

export interface OpenSession {
  id: string;
  title_id: string;
  name: Localized;
  device: string;
  opened_at: string;
}

export interface Membership {
  plan: { id: string; name: string };
  starts_at: string;
  ends_at: string;
}

/** Coins that came together. */
export interface CoinLot {
  id: string;
  kind: 'paid' | 'bonus';
  coins: number;
  left: number;
  added_at: string;
  expires_at: string | null;
}

export interface Wallet {
  /** What can be spent now. */
  coins: number;
  /** Play unlocks what there are coins for, without asking. */
  auto_unlock: boolean;
  /** Those with something left, in the order in which they are spent. */
  lots: CoinLot[];
}

/** What is for older viewers than `age_limit`, or has no age, asks for the PIN. */
export interface ParentalLock {
  age_limit: number;
  locked_until: string | null;
}

/** To a title that others may not see yet, or not in this way. */
export interface Invitation {
  id: string;
  title_id: string;
  title: TitleBrief;
  kind: 'festival' | 'press' | 'jury' | 'internal';
  phase: 'upcoming' | 'open' | 'over' | 'revoked';
  starts_at: string;
  ends_at: string;
}

export interface PlaybackSession {
  id: string;
  title_id: string;
  part: number;
  playback_url: string;
  events_url: string;
  expires_at: string;
  ends_at: string | null;
  starts_clock: boolean;
  via: string;
  /** Drawn over the picture of a viewing by invitation. */
  watermark?: string | null;
  /** A WebVTT file of small pictures for the seek bar. */
  storyboard_url?: string | null;
  chapters: Chapter[];
  /** What is played, in order, on the player's clock. */
  clips: Clip[];
}

export interface Clip {
  kind: 'card' | 'film';
  start_ms: number;
  duration_ms: number;
}

export interface Chapter {
  /** From the beginning of the film. */
  start_ms: number;
  /** Empty where it has no name. */
  title: string;
}

/** How a message fared that nobody waits for. */
export type Delivery = 'taken' | 'lost' | 'refused';

const segment = encodeURIComponent;

/** By which campaign's link this visit came. */
function came(): { campaign?: string } {
  const word = campaign();
  return word === null ? {} : { campaign: word };
}

/** Short lists come whole, some as an array and some as a page. */
const rows = <Row>(answer: Row[] | Page<Row>): Row[] => (Array.isArray(answer) ? answer : answer.data);

export const api = {
  me(): Promise<Me> {
    return call('GET', '/me');
  },
  storefront(): Promise<Storefront> {
    return call('GET', '/storefront');
  },
  async signUp(entry: { email: string; password: string; display_name?: string }): Promise<Viewer> {
    return (await call<{ viewer: Viewer }>('POST', '/viewers', { body: entry })).viewer;
  },
  async signIn(entry: { email: string; password: string }): Promise<Viewer> {
    return (await call<{ viewer: Viewer }>('POST', '/sign-in', { body: entry })).viewer;
  },
  signOut(): Promise<void> {
    return call('POST', '/sign-out');
  },
  titles(): Promise<Title[]> {
    return list('/titles');
  },
  title(id: string): Promise<Title> {
    return call('GET', `/titles/${segment(id)}`);
  },
  series(id: string): Promise<Series> {
    return call('GET', `/series/${segment(id)}`);
  },
  /** The first page of those that are open here, the newest first. */
  async collections(): Promise<CollectionBrief[]> {
    return (await page<CollectionBrief>('/collections', null)).data;
  },
  collection(id: string): Promise<Collection> {
    return call('GET', `/collections/${segment(id)}`);
  },
  products(): Promise<Product[]> {
    return list('/products');
  },
  quote(order: OrderEntry): Promise<Quote> {
    return call('POST', '/quotes', { body: order });
  },
  buy(order: OrderEntry, outcome: Outcome, key: string): Promise<Purchase> {
    return call('POST', '/purchases', { body: { ...order, ...came(), payment: { method: 'sandbox', outcome } }, key });
  },
  purchase(id: string, signal?: AbortSignal): Promise<Purchase> {
    return call('GET', `/purchases/${segment(id)}`, signal ? { signal } : {});
  },
  purchases(cursor: string | null): Promise<Page<Purchase>> {
    return page('/purchases', cursor);
  },
  grants(): Promise<GrantRow[]> {
    return list('/grants');
  },
  lock(): Promise<ParentalLock | null> {
    return call('GET', '/me/lock');
  },
  setLock(change: { age_limit: number; new_pin?: string; pin?: string; password?: string }): Promise<ParentalLock> {
    return call('PUT', '/me/lock', { body: change });
  },
  removeLock(proof: { pin?: string; password?: string }): Promise<void> {
    return call('POST', '/me/lock/remove', { body: proof });
  },
  invitations(): Promise<Invitation[]> {
    return list('/me/invitations');
  },
  redeem(code: string): Promise<{ grant: Grant; title: TitleBrief }> {
    return call('POST', '/vouchers/redeem', { body: { code } });
  },
  cashierPayment(payment_id: string): Promise<CashierPayment> {
    return call('GET', `/sandbox/payments/${segment(payment_id)}`);
  },
  pressCashier(payment_id: string, act: 'pay' | 'decline'): Promise<CashierPayment> {
    return call('POST', `/sandbox/payments/${segment(payment_id)}`, { body: { act } });
  },
  changeMe(change: { display_name?: string; language?: string }): Promise<unknown> {
    return call('PATCH', '/me', { body: change });
  },
  changePassword(change: { current: string; new: string }): Promise<void> {
    return call('POST', '/me/password', { body: change });
  },
  membership(): Promise<Membership | null> {
    return call('GET', '/me/membership');
  },
  wallet(): Promise<Wallet> {
    return call('GET', '/me/wallet');
  },
  setAutoUnlock(auto_unlock: boolean): Promise<Wallet> {
    return call('PATCH', '/me/wallet', { body: { auto_unlock } });
  },
  /** `coins` is what the viewer was told that it costs; of two windows the one with the `language` is taken. */
  unlock(title_id: string, part: number, coins: number, language: string): Promise<unknown> {
    return call('POST', '/unlocks', { body: { title_id, part, coins, language } });
  },
  async signIns(): Promise<SignInRecord[]> {
    return rows(await call('GET', '/me/sign-ins'));
  },
  endSignIn(id: string): Promise<void> {
    return call('DELETE', `/me/sign-ins/${segment(id)}`);
  },
  async openSessions(): Promise<OpenSession[]> {
    return rows(await call('GET', '/me/playback-sessions'));
  },
  endSession(id: string): Promise<void> {
    return call('DELETE', `/playback-sessions/${segment(id)}`);
  },
  forgetProgress(title_id: string): Promise<void> {
    return call('DELETE', `/progress/${segment(title_id)}`);
  },
  openPlayback(what: { title_id: string; part?: number; trailer?: true; clip?: number; preview?: true; pin?: string; language?: string }): Promise<PlaybackSession> {
    return call('POST', '/playback-sessions', { body: { ...what, ...came() } });
  },
  /** Gives the stream slot back. Survives the page: it is called while the page goes away. */
  closePlayback(session_id: string): void {
    fetch(`/api/v1/playback-sessions/${segment(session_id)}`, { method: 'DELETE', keepalive: true }).catch(() => {
      // The slot comes back by itself when its lease runs out.
    });
  },
  /** Keeps where the viewer is; `leaving` survives the page. */
  keepProgress(title_id: string, position: Position, when: 'now' | 'leaving'): Promise<Delivery> {
    const keepalive = when === 'leaving';
    return delivery(call('PUT', `/progress/${segment(title_id)}`, { body: position, keepalive }));
  },
  sendTelemetry(session_id: string, batch: Batch): Promise<Delivery> {
    return delivery(call('POST', telemetryPath(session_id), { body: batch }));
  },
  /** While the page goes away. */
  beaconTelemetry(session_id: string, batch: Batch): void {
    const body = new Blob([JSON.stringify(batch)], { type: 'application/json' });
    navigator.sendBeacon(`/api/v1${telemetryPath(session_id)}`, body);
  },
};

const telemetryPath = (session_id: string) => `/playback-sessions/${segment(session_id)}/telemetry`;

/** What the network or a busy server lost may be sent again; what was refused is refused for good. */
async function delivery(sent: Promise<unknown>): Promise<Delivery> {
  try {
    await sent;
    return 'taken';
  } catch (error) {
    const { code, means } = error instanceof Failure ? error.trouble : { code: 'UNKNOWN', means: undefined };
    return code === 'NETWORK' || means === 'RATE_LIMITED' || means?.startsWith('HTTP_5') ? 'lost' : 'refused';
  }
}
