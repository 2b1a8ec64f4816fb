// The wall: which film leads it, and the shelves below, in their order.

import type { Title } from './api';
import { actionOf, resumable } from './action';

export type ShelfName = 'continue' | 'now' | 'soon' | 'members' | 'free' | 'away';

export interface Shelf {
  name: ShelfName;
  titles: Title[];
}

export interface Wall {
  lead: Title | null;
  shelves: Shelf[];
}

/** `titles` in the server's order, which every shelf keeps. */
export function wallOf(titles: readonly Title[]): Wall {
  const lead = leadOf(titles);
  const started = titles.filter((title) => title.decision.allow && resumable(title.progress) !== null);
  started.sort((one, other) => Date.parse(other.progress?.updated_at ?? '') - Date.parse(one.progress?.updated_at ?? ''));
  const rest = titles.filter((title) => title !== lead);
  const on = (name: ShelfName) => rest.filter((title) => shelfOf(title) === name);
  const shelves: Shelf[] = [
    { name: 'continue', titles: started },
    { name: 'now', titles: on('now') },
    { name: 'soon', titles: on('soon') },
    { name: 'members', titles: on('members') },
    { name: 'free', titles: on('free') },
    { name: 'away', titles: on('away') },
  ];
  return { lead, shelves: shelves.filter((shelf) => shelf.titles.length > 0) };
}

/** The premiere: what is sold as one now, then what can be bought before it opens, then whatever is on. */
function leadOf(titles: readonly Title[]): Title | null {
  const premiere = (title: Title) => title.offers.some((offer) => offer.kind === 'pvod');
  const stands = (wanted: ShelfName) => (title: Title) => shelfOf(title) === wanted;
  return (
    titles.find((title) => premiere(title) && stands('now')(title)) ??
    titles.find((title) => premiere(title) && actionOf(title, { signed_in: true }).does === 'preorder') ??
    titles.find((title) => stands('now')(title)) ??
    titles.find((title) => !stands('away')(title)) ??
    null
  );
}

function shelfOf(title: Title): ShelfName {
  const { does } = actionOf(title, { signed_in: true });
  if (does === 'wait' || does === 'preorder') return 'soon';
  if (does === 'nothing') return 'away';
  if (title.state === 'member') return 'members';
  if (title.state === 'free') return 'free';
  return 'now';
}
