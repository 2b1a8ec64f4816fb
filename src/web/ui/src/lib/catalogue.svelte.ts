// The titles that the pages share: what the wall has loaded, a title's own page shows at once.

import { api, type Title } from './api';

class Catalogue {
  /** In the server's order; null until loaded. */
  titles: Title[] | null = $state.raw(null);

  async load(): Promise<void> {
    this.titles = await api.titles();
  }

  async loadTitle(title_id: string): Promise<Title> {
    const title = await api.title(title_id);
    this.titles = this.titles?.map((other) => (other.id === title_id ? title : other)) ?? null;
    return title;
  }

  find(title_id: string): Title | null {
    return this.titles?.find((title) => title.id === title_id) ?? null;
  }
}

export const catalogue = new Catalogue();
