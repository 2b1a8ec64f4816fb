// The wish to watch: Play, a finished purchase or a shelf asks, and the film's own page, which has the screen, plays.

import { route, titlePath, watchPath } from './route.svelte';

export interface Wish {
  title_id: string;
  part: number | null;
}

class Theatre {
  #wish: Wish | null = $state.raw(null);

  /** Goes to the film, where it is not there yet, and plays it. */
  play(title_id: string, part: number | null = null): void {
    this.#wish = { title_id, part };
    const { place } = route;
    const here = (place.page === 'title' || place.page === 'watch') && place.title_id === title_id;
    if (place.page !== 'watch' || !here) route.go(watchPath(title_id), 'push', here ? 'keep' : 'content');
  }

  /** The wish for this title, once. */
  take(title_id: string): Wish | null {
    if (this.#wish?.title_id !== title_id) return null;
    const wish = this.#wish;
    this.#wish = null;
    return wish;
  }

  /** From the screen back to the page around it. */
  leave(title_id: string): void {
    if (route.place.page === 'watch') route.go(titlePath(title_id), 'replace', 'keep');
  }
}

export const theatre = new Theatre();
/** The player is most of the front end: its chunk comes when somebody is about to play, and not before. */
export const fetchPlayer = () => import('../player/Player.svelte');
