// What anybody may watch of a title: its trailer, the beginning of the film, and its clips, which are counted from 1. The
// same words stand in a link that opens the page with one of them playing.

export type Teaser = 'trailer' | 'preview' | `clip-${number}`;

/** Which clip it is; `null` where it is none. */
export function clipOf(teaser: Teaser): number | null {
  return teaser === 'trailer' || teaser === 'preview' ? null : Number(teaser.slice('clip-'.length));
}

export const clipAt = (number: number): Teaser => `clip-${number}`;

/** A word of an address; `null` for anything else. */
export function teaserOf(word: string | null): Teaser | null {
  if (word === 'trailer' || word === 'preview') return word;
  const number = /^clip-([1-9]\d{0,2})$/.exec(word ?? '')?.[1];
  return number === undefined ? null : clipAt(Number(number));
}
