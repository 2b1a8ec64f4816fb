// One episode, from the pressed lock to the film.
//
//   account --signed in--> ask --unlocked--> it plays
//                          │ ^
//                          │ another price, too few coins
//                          └─┘
//
// Whoever has switched that on is not asked: Play unlocks what there are coins for, at no more than was paid before, and the
// server sees to it.

import type { Part, Title, Wallet } from './api';
import { stateOf, plays } from './episodes';
import { troubleIn, type NextStep, type Trouble } from './http';

export interface UnlockingPorts {
  signed_in: () => boolean;
  title: (title_id: string) => Promise<Title>;
  wallet: () => Promise<Wallet>;
  setAutoUnlock: (on: boolean) => Promise<Wallet>;
  unlock: (title_id: string, part: number, coins: number) => Promise<unknown>;
  /** Somebody has an episode now: whatever depends on it loads again. */
  changed: () => Promise<void>;
}

export class Unlocking {
  opened = $state(false);
  step: 'account' | 'ask' = $state('ask');
  title: Title | null = $state.raw(null);
  part: Part | null = $state.raw(null);
  /** What the episode costs; null where it is not to be unlocked any more. */
  coins: number | null = $state(null);
  wallet: Wallet | null = $state.raw(null);
  /** What it was said to cost before, where that has changed. */
  was: number | null = $state(null);
  trouble: Trouble | null = $state.raw(null);
  busy = $state(false);
  /** What else would help. */
  readonly ways: NextStep[] = $derived.by(() => {
    const { decision } = this.part ?? {};
    return !decision || decision.allow ? [] : (decision.next ?? []).filter((step) => step.action !== 'unlock');
  });
  /** How many coins are missing; null while that is not known. */
  readonly missing: number | null = $derived(
    this.wallet === null || this.coins === null ? null : Math.max(0, this.coins - this.wallet.coins),
  );

  readonly #ports: UnlockingPorts;
  #play: () => void = () => undefined;
  #was_refused = false;

  constructor(ports: UnlockingPorts) {
    this.#ports = ports;
  }

  /**
   * Plays the part, after it was unlocked: by asking, unless the viewer wants never to be asked. Where Play alone was refused
   * it is asked all the same: an episode that costs more than any before.
   */
  async begin(title: Title, part: Part, play: () => void, was_refused = false): Promise<void> {
    if (this.busy) return;
    this.#was_refused = was_refused;
    this.title = title;
    this.#take(part);
    this.#play = play;
    this.wallet = null;
    this.was = null;
    this.trouble = null;
    if (this.#ports.signed_in()) return this.look();
    this.step = 'account';
    this.opened = true;
  }

  /** Whether Play alone would unlock it. */
  async passes(coins: number): Promise<boolean> {
    if (!this.#ports.signed_in()) return false;
    const { auto_unlock, coins: had } = await this.#ports.wallet();
    return auto_unlock && had >= coins;
  }

  /** The account step is done: the episode may be this viewer's already. */
  async signedIn(): Promise<void> {
    const { title, part } = this;
    if (!title || !part) return;
    await this.#busily(async () => {
      this.title = await this.#ports.title(title.id);
      const now = this.title.parts?.find((other) => other.part === part.part);
      if (now) this.#take(now);
    });
    if (this.trouble) return;
    if (this.part && plays(stateOf(this.part, title))) this.#go();
    else await this.look();
  }

  async unlock(): Promise<void> {
    const { title, part, coins } = this;
    if (!title || !part || coins === null || this.busy) return;
    let is_had = false;
    await this.#busily(async () => {
      try {
        await this.#ports.unlock(title.id, part.part, coins);
      } catch (error) {
        const trouble = troubleIn(error);
        if (trouble.code !== 'ALREADY_OWNED') return this.#refused(trouble);
      }
      is_had = true;
      await this.#ports.changed();
    });
    if (is_had) this.#go();
  }

  async setAutoUnlock(on: boolean): Promise<void> {
    await this.#busily(async () => (this.wallet = await this.#ports.setAutoUnlock(on)));
  }

  /** Closes the sheet; nothing was taken. */
  leave(): void {
    this.opened = false;
    this.#play = () => undefined;
  }

  /** Closes the sheet for a while: what it gives back opens it again, with what the viewer has by then. */
  pause(): () => void {
    const { title, part } = this;
    const play = this.#play;
    this.leave();
    // A purchase on the way is no reason to take coins without asking.
    return () => title && part && void this.begin(title, part, play, true);
  }

  /** What the viewer has; asked again, where the server did not say. */
  async look(): Promise<void> {
    await this.#busily(async () => (this.wallet = await this.#ports.wallet()));
    const asks = this.#was_refused || !this.wallet?.auto_unlock || this.missing !== 0;
    if (!this.trouble && !asks) return this.#go();
    this.step = 'ask';
    this.opened = true;
  }

  /** Says what stands in the way, with the newest of what is known. */
  async #refused(trouble: Trouble): Promise<void> {
    if (trouble.code === 'PRICE_CHANGED' && trouble.coins !== undefined) {
      this.was = this.coins;
      this.coins = trouble.coins;
    } else if (trouble.code !== 'TOO_FEW_COINS') {
      this.trouble = trouble;
      return;
    }
    this.wallet = await this.#ports.wallet();
  }

  #take(part: Part): void {
    const state = this.title ? stateOf(part, this.title) : null;
    this.part = part;
    this.coins = state?.is === 'locked' ? state.coins : null;
  }

  #go(): void {
    const play = this.#play;
    this.leave();
    play();
  }

  async #busily(work: () => Promise<unknown>): Promise<void> {
    this.busy = true;
    this.trouble = null;
    try {
      await work();
    } catch (error) {
      this.trouble = troubleIn(error);
    } finally {
      this.busy = false;
    }
  }
}
