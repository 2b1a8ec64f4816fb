// Who operates, and what their role may do. The server decides; what is shown here follows it.

import { troubleIn, type Trouble } from '../lib/http';
import { whenSignedOut } from './api';
import { me as askMe, signOut, type Operator, type OperatorMe, type PartyBrief } from './api/operator';
import { mayRole, type Need } from './roles';
import { route } from './route.svelte';
import { pagesOf, type Pages } from './routes';

export type { Need } from './roles';

class Me {
  /** `unknown` until the server has answered. */
  state: 'unknown' | 'in' | 'out' = $state('unknown');
  trouble: Trouble | null = $state.raw(null);
  #answer: OperatorMe | null = $state.raw(null);
  readonly operator: Operator | null = $derived(this.#answer?.operator ?? null);
  /** Whose account it is, where it is another party's. */
  readonly party: PartyBrief | null = $derived((this.operator?.role === 'party' && this.operator.party) || null);
  /** The pages that there are for whoever is here. */
  readonly pages: Pages = $derived(pagesOf(this.operator));
  readonly version: string | null = $derived(this.#answer?.version ?? null);
  /** Nothing is said about money before the server has answered. */
  readonly testMode: boolean = $derived(this.#answer !== null && !this.#answer.livemode);
  /** `false` while nobody has used the first one-time link; `null` where the server does not say. */
  readonly owner_exists: boolean | null = $derived(this.#answer?.owner_exists ?? null);

  constructor() {
    whenSignedOut(() => this.#lost());
  }

  async load(): Promise<void> {
    this.trouble = null;
    try {
      this.#answer = await askMe();
      this.state = this.#answer.operator ? 'in' : 'out';
    } catch (error) {
      const trouble = troubleIn(error);
      if (trouble.code === 'UNAUTHENTICATED') this.state = 'out';
      // A server that is away for a moment takes nothing from whoever is here.
      else if (this.state !== 'in') this.trouble = trouble;
    }
  }

  may(need: Need): boolean {
    return this.operator !== null && mayRole(this.operator.role, need);
  }

  async leave(): Promise<void> {
    await signOut();
    this.#answer = this.#answer && { ...this.#answer, operator: null };
    this.state = 'out';
    route.go('/console/sign-in');
  }

  #lost(): void {
    if (this.state !== 'in') return;
    this.state = 'out';
    this.#answer = this.#answer && { ...this.#answer, operator: null };
  }
}

export const me = new Me();
