// What is sold besides the offers of titles, as the pages share it: loaded by the first page that shows some.

import { api, type Product } from './api';
import { bundlesOf, ofKind } from './products';

class Counter {
  /** Null until loaded. */
  products: Product[] | null = $state.raw(null);
  readonly memberships = $derived(ofKind(this.products, 'membership'));
  readonly packs = $derived(ofKind(this.products, 'coins'));
  readonly bundles = $derived(ofKind(this.products, 'bundle'));
  #loading: Promise<void> | null = null;

  /** Where they do not come, the page is one without them; the next page asks again. */
  async want(): Promise<void> {
    if (this.products === null) await this.load().catch(() => undefined);
  }

  async load(): Promise<void> {
    this.#loading ??= api
      .products()
      .then((products) => void (this.products = products))
      .finally(() => (this.#loading = null));
    await this.#loading;
  }

  async find(product_id: string): Promise<Product | null> {
    await this.want();
    return this.products?.find((product) => product.id === product_id) ?? null;
  }

  of(title_id: string) {
    return bundlesOf(this.bundles, title_id);
  }
}

export const counter = new Counter();
