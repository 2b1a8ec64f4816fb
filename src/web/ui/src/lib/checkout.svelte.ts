// One purchase, from the pressed price to the film.
//
//   account --signed in--> pay --paid--> paid
//                          │  ^            ^
//                          │  declined,    │
//                          │  expired      │
//                          v  │            │
//                         waiting ---------┘   (a code to scan, a confirmation, or a provider that takes its time)
//
// What the viewer was told before is compared with what the server says after a sign-in: another price is said before
// anything is paid.

import type { Money, Offer, Outcome, Purchase, Title } from './api';
import { mainOffer } from './action';
import { idempotencyKey, troubleIn, type Trouble } from './http';

export interface CheckoutPorts {
  signed_in: () => boolean;
  title: (title_id: string) => Promise<Title>;
  buy: (offer_id: string, outcome: Outcome, key: string) => Promise<Purchase>;
  purchase: (purchase_id: string, signal: AbortSignal) => Promise<Purchase>;
  /** The caller's newest purchases, for the one that is under way already. */
  newest: () => Promise<Purchase[]>;
  /** Somebody owns something now: whatever depends on it loads again. */
  changed: () => Promise<void>;
  sleep: (ms: number) => Promise<void>;
}

export type Step = 'account' | 'pay' | 'waiting' | 'paid' | 'owned';
/** Why the viewer is asked to pay again. */
export type Setback = 'declined' | 'expired' | 'network';

const POLL_MS = 1_500;
const POLL_MS_LATER = 5_000;
/** How many polls go by before they come less often. */
const POLLS_OFTEN = 40;

export class Checkout {
  opened = $state(false);
  step: Step = $state('pay');
  title: Title | null = $state.raw(null);
  offer: Offer | null = $state.raw(null);
  outcome: Outcome = $state('paid');
  purchase: Purchase | null = $state.raw(null);
  setback: Setback | null = $state(null);
  trouble: Trouble | null = $state.raw(null);
  busy = $state(false);
  /** What the price was when the viewer pressed it, if it is another one now. */
  was: Money | null = $state.raw(null);

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
    this.opened = true;
    // Whoever closed the code and presses the price again wants that code.
    if (same) return;
    this.#reset();
    this.step = this.#ports.signed_in() ? 'pay' : 'account';
  }

  /** Goes on with a purchase that waits for its payment. */
  async resume(purchase: Purchase): Promise<void> {
    this.#reset();
    this.title = await this.#ports.title(purchase.title_id);
    this.offer = this.title.offers.find((offer) => offer.id === purchase.offer_id) ?? null;
    this.opened = true;
    this.#take(purchase);
  }

  /** The account step is done: the price may be another one for this viewer, or the film may be theirs. */
  async signedIn(): Promise<void> {
    if (!this.title || !this.offer) return;
    this.busy = true;
    this.trouble = null;
    try {
      const before = this.offer.price;
      this.title = await this.#ports.title(this.title.id);
      if (this.title.decision.allow || this.title.decision.acquired) {
        this.step = 'owned';
        return;
      }
      const wanted = this.offer.id;
      this.offer = this.title.offers.find((offer) => offer.id === wanted && offer.on_sale) ?? mainOffer(this.title);
      this.was = this.offer && this.offer.price.amount !== before.amount ? before : null;
      this.step = 'pay';
    } catch (error) {
      this.trouble = troubleIn(error);
    } finally {
      this.busy = false;
    }
  }

  async pay(): Promise<void> {
    if (!this.offer || this.busy) return;
    this.busy = true;
    this.setback = null;
    this.trouble = null;
    try {
      this.#take(await this.#ports.buy(this.offer.id, this.outcome, this.#key));
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

  async #refused(trouble: Trouble): Promise<void> {
    if (trouble.code === 'NETWORK') {
      // The order may have arrived: the same key buys nothing twice.
      this.setback = 'network';
      return;
    }
    // A refused order is finished; the next try is another one.
    this.#key = idempotencyKey();
    if (trouble.code === 'PAYMENT_DECLINED') {
      this.setback = 'declined';
    } else if (trouble.code === 'UNAUTHENTICATED') {
      this.step = 'account';
    } else if (trouble.code === 'ALREADY_OWNED') {
      await this.signedIn();
      await this.#ports.changed();
    } else if (trouble.code === 'PURCHASE_PENDING') {
      const rows = await this.#ports.newest().catch(() => []);
      const under_way = rows.find((row) => row.status === 'pending' && row.title_id === this.title?.id);
      if (under_way) this.#take(under_way);
      else this.trouble = trouble;
    } else {
      this.trouble = trouble;
    }
  }

  #take(purchase: Purchase): void {
    this.purchase = purchase;
    if (purchase.status === 'pending') {
      this.step = 'waiting';
      void this.#follow(purchase.id);
    } else {
      this.#decided(purchase);
    }
  }

  #decided(purchase: Purchase): void {
    this.purchase = purchase;
    if (purchase.status === 'paid') {
      this.step = 'paid';
      void this.#ports.changed();
      return;
    }
    this.#key = idempotencyKey();
    this.setback = purchase.status === 'declined' ? 'declined' : 'expired';
    this.step = 'pay';
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

  #reset(): void {
    this.#following?.abort();
    this.#key = idempotencyKey();
    this.outcome = 'paid';
    this.purchase = null;
    this.setback = null;
    this.trouble = null;
    this.was = null;
    this.busy = false;
  }
}
