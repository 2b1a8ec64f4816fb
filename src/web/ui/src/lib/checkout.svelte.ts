// One purchase, from the pressed price to what it gives.
//
//   choose --chosen--> account --signed in--> pay --paid--> paid
//                                             │  ^            ^
//                                             │  declined,    │
//                                             │  expired      │
//                                             v  │            │
//                                            waiting ---------┘   (a code to scan, a confirmation, or a provider that takes its time)
//
// An offer of a title, or a product: time as a member, coins, a bundle. What the viewer was told before is compared with
// what the server says after a sign-in: another price is said before anything is paid. A coupon's discount is asked for
// before, and is the server's. What members are about to get without paying is paid for only by who has ticked that.

import type { ClosedBecause, Localized, Money, Offer, OrderEntry, Outcome, Product, Purchase, Quote, Title, Wanted } from './api';
import { isForGood, mainOffer } from './action';
import { idempotencyKey, troubleIn, type Trouble } from './http';

export interface CheckoutPorts {
  signed_in: () => boolean;
  title: (title_id: string) => Promise<Title>;
  /** As it is sold now; null where it is not. */
  product: (product_id: string) => Promise<Product | null>;
  quote: (order: OrderEntry) => Promise<Quote>;
  buy: (order: OrderEntry, outcome: Outcome, key: string) => Promise<Purchase>;
  purchase: (purchase_id: string, signal: AbortSignal) => Promise<Purchase>;
  /** The caller's newest purchases, for the one that is under way already. */
  newest: () => Promise<Purchase[]>;
  /** Somebody owns something now: whatever depends on it loads again. */
  changed: () => Promise<void>;
  sleep: (ms: number) => Promise<void>;
}

export type Step = 'choose' | 'account' | 'pay' | 'waiting' | 'paid' | 'owned';
/** Why the viewer is asked to pay again. */
export type Setback = 'declined' | 'expired' | 'network' | 'members_soon' | ClosedBecause;
/** A coupon that the server has taken, and what it takes off. */
export interface Applied {
  code: string;
  quote: Quote;
}

/** What a product is bought for. */
export interface Errand {
  /** The film that it lets its buyer watch. */
  title?: Title;
  /** Goes on where the viewer was, once it is paid. */
  back?: () => void;
}

const POLL_MS = 1_500;
const POLL_MS_LATER = 5_000;
/** How many polls go by before they come less often. */
const POLLS_OFTEN = 40;

export class Checkout {
  opened = $state(false);
  step: Step = $state('pay');
  title: Title | null = $state.raw(null);
  offer: Offer | null = $state.raw(null);
  product: Product | null = $state.raw(null);
  errand: Errand = $state.raw({});
  outcome: Outcome = $state('paid');
  purchase: Purchase | null = $state.raw(null);
  setback: Setback | null = $state(null);
  trouble: Trouble | null = $state.raw(null);
  busy = $state(false);
  /** What the price was when the viewer pressed it, if it is another one now. */
  was: Money | null = $state.raw(null);
  coupon: Applied | null = $state.raw(null);
  /** Why a coupon was not taken. */
  coupon_trouble: Trouble | null = $state.raw(null);
  /** Pay was pressed, and what members are about to get was not ticked. */
  unaccepted = $state(false);
  /** It cannot be had at all, whatever is paid: said instead of a price. */
  refused: Trouble | null = $state.raw(null);
  /** What it costs without a coupon. */
  readonly price: Money | null = $derived(this.offer?.price ?? this.product?.price ?? null);
  readonly to_pay: Money | null = $derived(this.coupon?.quote.price ?? this.price);
  readonly name: Localized | undefined = $derived(
    this.product?.name ?? this.title?.name ?? this.purchase?.product?.name ?? this.purchase?.title?.name,
  );

  /** Members get it without paying from then on, within a day: as the server said it last. */
  members_from_at: string | null = $state(null);
  #accepted: string | null = $state(null);
  /** Of another instant than was ticked the box has to be ticked again. */
  readonly is_accepted = $derived(this.members_from_at === null || this.#accepted === this.members_from_at);

  readonly #ports: CheckoutPorts;
  #key = '';
  #following: AbortController | null = null;

  constructor(ports: CheckoutPorts) {
    this.#ports = ports;
  }

  begin(title: Title, offer: Offer): void {
    const same = this.purchase?.status === 'pending' && this.purchase.offer_id === offer.id;
    this.title = title;
    this.offer = offer;
    this.product = null;
    this.errand = {};
    this.opened = true;
    // Whoever closed the code and presses the price again wants that code.
    if (same) return;
    this.#reset();
    this.step = this.#ports.signed_in() ? 'pay' : 'account';
    if (this.step === 'pay') void this.#look();
  }

  beginProduct(product: Product, errand: Errand = {}): void {
    const same = this.purchase?.status === 'pending' && this.purchase.product?.id === product.id;
    this.title = null;
    this.offer = null;
    this.product = product;
    this.errand = errand;
    this.opened = true;
    if (same) return;
    this.#reset();
    this.step = this.#ports.signed_in() ? 'pay' : 'account';
    if (this.step === 'pay') void this.#look();
  }

  /** Which membership, for a film that members watch. */
  join(title: Title): void {
    this.#reset();
    this.title = null;
    this.offer = null;
    this.product = null;
    this.errand = { title };
    this.step = 'choose';
    this.opened = true;
  }

  /** Goes on with a purchase that waits for its payment. */
  async resume(purchase: Purchase): Promise<void> {
    this.#clear();
    if (purchase.title_id !== null) {
      this.title = await this.#ports.title(purchase.title_id);
      this.offer = this.title.offers.find((offer) => offer.id === purchase.offer_id) ?? null;
    } else if (purchase.product) {
      this.product = await this.#ports.product(purchase.product.id);
    }
    this.opened = true;
    await this.#take(purchase);
  }

  /** Orders once more what came to nothing, at the price that holds now. */
  async again(purchase: Purchase): Promise<void> {
    this.#clear();
    this.purchase = purchase;
    this.step = 'pay';
    try {
      if (purchase.title_id !== null) this.#sold(await this.#ports.title(purchase.title_id), purchase.offer_id);
      else if (purchase.product) this.product = await this.#ports.product(purchase.product.id);
    } catch (error) {
      this.refused = troubleIn(error);
    }
    this.opened = true;
    if (this.refused === null && this.step === 'pay') await this.#look();
  }

  /** The account step is done: the price may be another one for this viewer, or the film may be theirs. */
  async signedIn(): Promise<void> {
    if (this.product) return this.#signedInFor();
    if (!this.title || !this.offer) return;
    await this.#renew(this.title.id, this.offer.id);
  }

  /** What is sold is asked for again; another price than was shown is said. */
  async #renew(title_id: string, offer_id: string | null): Promise<void> {
    this.busy = true;
    this.trouble = null;
    try {
      const before = this.offer?.price ?? null;
      this.#sold(await this.#ports.title(title_id), offer_id);
      if (this.step === 'pay') this.was = this.offer && before && this.offer.price.amount !== before.amount ? before : null;
    } catch (error) {
      this.trouble = troubleIn(error);
      return;
    } finally {
      this.busy = false;
    }
    if (this.step === 'pay') await this.#look();
  }

  /** What of a title is sold to this viewer now, or that it is theirs. */
  #sold(title: Title, offer_id: string | null): void {
    this.title = title;
    const again = title.offers.find((offer) => offer.id === offer_id && offer.on_sale);
    // Whoever may watch for a while may still want it for good.
    const is_kept = again?.kind === 'buy' && title.decision.allow && !isForGood(title);
    if ((title.decision.allow && !is_kept) || (!title.decision.allow && title.decision.acquired)) {
      this.step = 'owned';
      return;
    }
    this.offer = again ?? mainOffer(title);
    this.step = 'pay';
  }

  /** Asks what a coupon takes off; what was applied before stays until another one is good. */
  async apply(code: string): Promise<void> {
    const wanted = this.#wanted();
    if (!wanted || this.busy || code.trim() === '') return;
    this.busy = true;
    this.coupon_trouble = null;
    try {
      const quote = await this.#ports.quote({ ...wanted, coupon: code.trim() });
      this.coupon = { code: code.trim().toUpperCase(), quote };
      this.members_from_at = quote.members_from_at ?? null;
      this.#key = idempotencyKey();
    } catch (error) {
      this.coupon_trouble = troubleIn(error);
    } finally {
      this.busy = false;
    }
  }

  without(): void {
    this.coupon = null;
    this.coupon_trouble = null;
    this.#key = idempotencyKey();
  }

  /** The buyer knows from when on members get it without paying, and wants it all the same. */
  accept(on: boolean): void {
    this.#accepted = on ? this.members_from_at : null;
    if (on) this.unaccepted = false;
  }

  async pay(): Promise<void> {
    const wanted = this.#wanted();
    if (!wanted || this.busy) return;
    this.unaccepted = !this.is_accepted;
    if (this.unaccepted) return;
    this.busy = true;
    this.setback = null;
    this.trouble = null;
    this.coupon_trouble = null;
    try {
      const order: OrderEntry = {
        ...wanted,
        ...(this.coupon ? { coupon: this.coupon.code } : {}),
        ...(this.members_from_at === null ? {} : { accepted_members_from_at: this.members_from_at }),
      };
      await this.#take(await this.#ports.buy(order, this.outcome, this.#key));
    } catch (error) {
      await this.#refused(troubleIn(error));
    } finally {
      this.busy = false;
    }
  }

  /** Closes the sheet for good: the next price is another purchase. */
  finish(): void {
    this.#reset();
    this.opened = false;
    this.step = 'pay';
  }

  #wanted(): Wanted | null {
    if (this.offer) return { offer_id: this.offer.id };
    return this.product ? { product_id: this.product.id } : null;
  }

  /** A product costs everybody the same; but who has signed in may be a member already. */
  async #signedInFor(): Promise<void> {
    const { title } = this.errand;
    this.busy = true;
    this.trouble = null;
    try {
      if (title) {
        const now = await this.#ports.title(title.id);
        this.errand = { ...this.errand, title: now };
        if (now.decision.allow) {
          this.step = 'owned';
          return;
        }
      }
      this.step = 'pay';
    } catch (error) {
      this.trouble = troubleIn(error);
      return;
    } finally {
      this.busy = false;
    }
    await this.#look();
  }

  /** Whether this viewer can have it at all, and when members do, before they choose how to pay. */
  async #look(): Promise<void> {
    const wanted = this.#wanted();
    const order = this.#key;
    if (wanted === null || this.product?.gives.kind === 'membership') return;
    // An order that is on its way, or may have arrived, is asked for again as it was.
    const is_open = () => this.#key === order && !this.busy && this.setback !== 'network';
    try {
      const { members_from_at = null } = await this.#ports.quote(wanted);
      if (is_open()) this.members_from_at = members_from_at;
    } catch (error) {
      const trouble = troubleIn(error);
      if (is_open() && FINAL.includes(trouble.code)) this.refused = trouble;
    }
  }

  async #refused(trouble: Trouble): Promise<void> {
    if (trouble.code === 'NETWORK') {
      // The order may have arrived: the same key buys nothing twice.
      this.setback = 'network';
      return;
    }
    const opening = trouble.next?.find((step) => step.action === 'wait');
    // A refused order is finished; the next try is another one.
    this.#key = idempotencyKey();
    if (trouble.code === 'PAYMENT_DECLINED') {
      this.setback = 'declined';
    } else if (trouble.code === 'UNAUTHENTICATED') {
      this.step = 'account';
    } else if (trouble.code === 'ALREADY_OWNED') {
      await this.signedIn();
      await this.#ports.changed();
    } else if (trouble.code === 'MEMBERS_SOON' && opening) {
      // The page was open before that was near.
      this.members_from_at = opening.opens_at;
      this.setback = 'members_soon';
    } else if (trouble.code.startsWith('COUPON_')) {
      this.coupon = null;
      this.coupon_trouble = trouble;
    } else if (FINAL.includes(trouble.code)) {
      this.refused = trouble;
    } else if (trouble.code === 'PURCHASE_PENDING') {
      const rows = await this.#ports.newest().catch(() => []);
      const under_way = rows.find((row) => row.status === 'pending' && this.#concerns(row));
      if (under_way) await this.#take(under_way);
      else this.trouble = trouble;
    } else {
      this.trouble = trouble;
    }
  }

  #concerns(row: Purchase): boolean {
    return this.product ? row.product?.id === this.product.id : row.title_id !== null && row.title_id === this.title?.id;
  }

  async #take(purchase: Purchase): Promise<void> {
    this.purchase = purchase;
    if (purchase.status === 'pending') {
      this.step = 'waiting';
      void this.#follow(purchase.id);
    } else {
      await this.#decided(purchase);
    }
  }

  async #decided(purchase: Purchase): Promise<void> {
    this.purchase = purchase;
    if (purchase.status === 'paid') {
      this.step = 'paid';
      void this.#ports.changed();
      return;
    }
    this.#key = idempotencyKey();
    this.setback = purchase.closed_because ?? (purchase.status === 'declined' ? 'declined' : 'expired');
    this.step = 'pay';
    if (!purchase.closed_because) return;
    // What this viewer pays, or whether anything, is another answer now.
    if (purchase.title_id !== null) await this.#renew(purchase.title_id, purchase.offer_id);
    void this.#ports.changed();
  }

  /** Asks until the purchase is decided, also while the sheet is closed. */
  async #follow(purchase_id: string): Promise<void> {
    const following = new AbortController();
    this.#following?.abort();
    this.#following = following;
    for (let poll = 0; ; poll += 1) {
      await this.#ports.sleep(poll < POLLS_OFTEN ? POLL_MS : POLL_MS_LATER);
      if (following.signal.aborted) return;
      const purchase = await this.#ports.purchase(purchase_id, following.signal).catch(() => null);
      if (following.signal.aborted) return;
      // A lost connection or a busy server decides nothing.
      if (purchase === null) continue;
      if (purchase.status !== 'pending') return this.#decided(purchase);
      this.purchase = purchase;
    }
  }

  #clear(): void {
    this.#reset();
    this.title = null;
    this.offer = null;
    this.product = null;
    this.errand = {};
  }

  #reset(): void {
    this.#following?.abort();
    this.#key = idempotencyKey();
    this.outcome = 'paid';
    this.purchase = null;
    this.setback = null;
    this.trouble = null;
    this.was = null;
    this.coupon = null;
    this.coupon_trouble = null;
    this.refused = null;
    this.members_from_at = null;
    this.#accepted = null;
    this.unaccepted = false;
    this.busy = false;
  }
}

/** A product that is refused with one of these is not to be had by paying again. */
const FINAL = [
  'PRODUCT_WITHDRAWN', 'PRODUCT_NOT_OPEN', 'PRODUCT_CLOSED', 'PRODUCT_NOT_FOUND', 'BUNDLE_OWNED_IN_PART', 'BUNDLE_INCOMPLETE',
  'TOO_MANY_COIN_LOTS',
];
