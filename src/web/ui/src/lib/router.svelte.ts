// The page's address: which page it names, the state in its query, and the way between addresses without a reload.

import { tick } from 'svelte';
import { SvelteURLSearchParams } from 'svelte/reactivity';
import { placeOf, type Patterns, type Place } from './pattern';

/** How long a page may take to grow to the height at which it was left. */
const RESTORE_MS_MAX = 1_500;
const KEPT_AS = 'marquee.scroll';
const PLACES_KEPT_MAX = 50;

export type How = 'push' | 'replace';
/** Whether a navigation takes the focus to the new page's heading and its top, or leaves both where they are. */
export type Focus = 'content' | 'keep';

/** State that belongs to the address: what a reload, a bookmark and Back must bring again. */
class Query {
  readonly #params = new SvelteURLSearchParams(location.search);

  get(name: string): string | null {
    return this.#params.get(name);
  }

  /** `null` and '' take the name out. A new view of the page is a `push`; typing in a search box is a `replace`. */
  set(changes: Record<string, string | null>, how: How = 'replace'): void {
    const next = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === '') next.delete(name);
      else next.set(name, value);
    }
    const text = next.toString();
    const address = location.pathname + (text === '' ? '' : `?${text}`) + location.hash;
    if (how === 'push') history.pushState({ at: newKey() }, '', address);
    else history.replaceState(history.state, '', address);
    this.read();
  }

  /** Takes the address over after a navigation. */
  read(): void {
    const now = new URLSearchParams(location.search);
    for (const name of new Set([...this.#params.keys(), ...now.keys()])) {
      const value = now.get(name);
      if (value === this.#params.get(name)) continue;
      if (value === null) this.#params.delete(name);
      else this.#params.set(name, value);
    }
  }
}

export class Router<const Known extends Patterns> {
  place: Place<Known> = $state({ page: 'unknown' });
  readonly query = new Query();
  readonly #patterns: Known;
  #restoring = false;

  constructor(patterns: Known) {
    this.#patterns = patterns;
    this.place = placeOf(patterns, location.pathname);
    history.scrollRestoration = 'manual';
    if (keyOfEntry() === null) history.replaceState({ at: newKey() }, '');
    else void this.#restore();
    addEventListener('popstate', () => {
      const moved = this.#arrive();
      void this.#restore();
      if (moved) void focusContent();
    });
    addEventListener('scroll', () => this.#keep(), { passive: true });
    // Plain clicks on our own links stay in the page; everything else is the browser's.
    addEventListener('click', (event) => {
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      if (!link || event.defaultPrevented || event.button !== 0) return;
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      if (link.origin !== location.origin || link.target !== '' || link.hasAttribute('download')) return;
      if (link.hash !== '' || placeOf(this.#patterns, link.pathname).page === 'unknown') return;
      event.preventDefault();
      this.go(link.pathname + link.search);
    });
  }

  /** To an address of ours: a path, with a query where it has one. */
  go(address: string, how: How = 'push', focus: Focus = 'content'): void {
    if (how === 'push') history.pushState({ at: newKey() }, '', address);
    else history.replaceState(history.state, '', address);
    const moved = this.#arrive();
    if (!moved || focus === 'keep') return;
    scrollTo(0, 0);
    void focusContent();
  }

  /** Whether the address now names another page than before. */
  #arrive(): boolean {
    const before = JSON.stringify(this.place);
    const place = placeOf(this.#patterns, location.pathname);
    this.query.read();
    if (JSON.stringify(place) === before) return false;
    this.place = place;
    return true;
  }

  #keep(): void {
    const key = keyOfEntry();
    if (key === null || this.#restoring) return;
    const kept = keptScrolls().filter(([at]) => at !== key);
    kept.push([key, Math.round(scrollY)]);
    sessionStorage.setItem(KEPT_AS, JSON.stringify(kept.slice(-PLACES_KEPT_MAX)));
  }

  async #restore(): Promise<void> {
    const key = keyOfEntry();
    const y = keptScrolls().find(([at]) => at === key)?.[1] ?? 0;
    const until = performance.now() + RESTORE_MS_MAX;
    this.#restoring = true;
    // The page grows as its data comes; a viewer who scrolls meanwhile wins.
    let stop = false;
    const leave = () => (stop = true);
    addEventListener('wheel', leave, { once: true, passive: true });
    addEventListener('touchmove', leave, { once: true, passive: true });
    await tick();
    do {
      scrollTo(0, y);
      if (Math.abs(scrollY - y) <= 1) break;
      await new Promise((resolve) => requestAnimationFrame(resolve));
    } while (!stop && keyOfEntry() === key && performance.now() < until);
    removeEventListener('wheel', leave);
    removeEventListener('touchmove', leave);
    this.#restoring = false;
  }
}

/** Screen readers read on from the new page's heading, and Tab starts there. */
async function focusContent(): Promise<void> {
  await tick();
  const target = document.querySelector<HTMLElement>('main h1') ?? document.querySelector<HTMLElement>('main');
  if (!target) return;
  if (!target.hasAttribute('tabindex')) target.tabIndex = -1;
  target.focus({ preventScroll: true });
}

const newKey = () => Math.random().toString(36).slice(2);

function keyOfEntry(): string | null {
  const state: unknown = history.state;
  return typeof state === 'object' && state !== null && 'at' in state ? String(state.at) : null;
}

function keptScrolls(): [key: string, y: number][] {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEPT_AS) ?? '[]');
    return Array.isArray(kept) ? (kept as [string, number][]) : [];
  } catch {
    return [];
  }
}
