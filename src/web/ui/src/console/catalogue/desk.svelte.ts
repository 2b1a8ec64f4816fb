// One title with its rights, as its page has it: what the tabs show and what they change.

import { troubleIn, type Trouble } from '../../lib/http';
import { catalogue, isSold, type Avail, type Offer, type Title, type TitleEdit } from '../api/catalogue';
import { kept } from './upload.svelte';

export type StepName = 'film' | 'window' | 'offer' | 'poster' | 'live';
export interface Step {
  name: StepName;
  done: boolean;
  /** Nothing of the kind is needed here. */
  skipped?: boolean;
  /** It may be left out. */
  optional?: boolean;
}

export class TitleDesk {
  title: Title | null = $state.raw(null);
  avails: Avail[] = $state.raw([]);
  /** By avail, withdrawn ones too. */
  offers: ReadonlyMap<string, Offer[]> = $state.raw(new Map());
  trouble: Trouble | null = $state.raw(null);
  /** The film is not in the title yet, and on its way. */
  film_on_its_way = $state(false);
  readonly steps: Step[] = $derived(this.title ? stepsOf(this.title, this.avails, this.offers) : []);
  /** A film that is on its way needs nobody: the next step is another. */
  readonly next: Step | null = $derived(
    this.steps.find((step) => !step.done && !step.optional && !(step.name === 'film' && this.film_on_its_way)) ?? null,
  );
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }

  async load(): Promise<void> {
    try {
      const [title, avails] = await Promise.all([catalogue.title(this.id), catalogue.avails(this.id)]);
      // The page comes with its windows: without them it would say for a moment that there is none.
      await this.#take(avails);
      this.title = title;
      this.film_on_its_way = title.assets.length === 0 && kept().some((entry) => entry.title_id === this.id);
      this.trouble = null;
    } catch (error) {
      this.trouble = troubleIn(error);
    }
  }

  async reloadRights(): Promise<void> {
    await this.#take(await catalogue.avails(this.id));
  }

  /** Throws where it fails; a `VERSION_CONFLICT` leaves what was typed for the operator to decide. */
  async edit(edit: TitleEdit): Promise<Title> {
    if (!this.title) throw new Error('there is no title to edit yet');
    this.title = await catalogue.editTitle(this.title, edit);
    return this.title;
  }

  /** Puts a packaged film behind the parts, unless it is one. Another operator's edit in between is kept. */
  async attach(asset_id: string): Promise<void> {
    this.title = await catalogue.title(this.id);
    if (this.title.assets.includes(asset_id)) return;
    await this.edit({ assets: [...this.title.assets, asset_id] });
    this.film_on_its_way = false;
  }

  async #take(avails: Avail[]): Promise<void> {
    const sold = avails.filter((avail) => isSold(avail.license_type));
    const lists = await Promise.all(sold.map((avail) => catalogue.offers(avail.id)));
    this.avails = avails;
    this.offers = new Map(sold.map((avail, i) => [avail.id, lists[i] ?? []]));
  }
}

export function isOver(avail: Pick<Avail, 'end_at'>, now = Date.now()): boolean {
  return avail.end_at !== null && Date.parse(avail.end_at) <= now;
}

export function isOpen(avail: Pick<Avail, 'start_at' | 'end_at'>, now = Date.now()): boolean {
  return Date.parse(avail.start_at) <= now && !isOver(avail, now);
}

export function stepsOf(title: Title, avails: readonly Avail[], offers: ReadonlyMap<string, readonly Offer[]>, now = Date.now()): Step[] {
  const ahead = avails.filter((avail) => !isOver(avail, now));
  const sold = ahead.filter((avail) => isSold(avail.license_type));
  const priced = sold.every((avail) => offers.get(avail.id)?.some((offer) => offer.withdrawn_at === null));
  const not_sold = ahead.length > 0 && sold.length === 0;
  return [
    { name: 'film', done: title.assets.length > 0 },
    { name: 'window', done: ahead.length > 0 },
    { name: 'offer', done: not_sold || (sold.length > 0 && priced), skipped: not_sold },
    { name: 'poster', done: title.poster_portrait === true, optional: true },
    { name: 'live', done: title.status === 'live' },
  ];
}
