// What contracts with others say about one title: their deals, what is held back, and its licence. The lists, the timeline
// and the map of a title show the same ones.

import { troubleIn, type Trouble } from '../../lib/http';
import { catalogue, type Compliance, type Holdback } from '../api/catalogue';
import { partners, type Deal, type Party } from '../api/partners';

export class Contracts {
  deals: Deal[] | null = $state.raw(null);
  parties: Party[] = $state.raw([]);
  holdbacks: Holdback[] | null = $state.raw(null);
  compliance: Compliance | null = $state.raw(null);
  deals_trouble: Trouble | null = $state.raw(null);
  holdbacks_trouble: Trouble | null = $state.raw(null);
  readonly #title_id: string;

  constructor(title_id: string) {
    this.#title_id = title_id;
  }

  async loadDeals(): Promise<void> {
    try {
      [this.deals, this.parties] = await Promise.all([partners.deals(this.#title_id), partners.parties()]);
      this.deals_trouble = null;
    } catch (error) {
      this.deals_trouble = troubleIn(error);
    }
  }

  async loadHoldbacks(): Promise<void> {
    try {
      this.holdbacks = await catalogue.holdbacks(this.#title_id);
      this.holdbacks_trouble = null;
    } catch (error) {
      this.holdbacks_trouble = troubleIn(error);
    }
  }

  /** Where the licence cannot be read the map says what the windows say: the list of the licence itself tells of it. */
  async loadCompliance(): Promise<void> {
    this.compliance = await catalogue.compliance(this.#title_id).catch(() => null);
  }
}
