// Which language a film is heard in, where that is settled before Play: under one right it may be Hindi, and Tamil under
// another. Where one right has all of them the player lets the viewer choose, and nothing is asked here.

import type { Heard, Part } from './api';

/** The track of a wanted language: the tag itself, else its language in another region or script. */
export function inLanguage<Track extends { tag: string }>(tracks: readonly Track[], wanted: string | null): Track | null {
  if (wanted === null) return null;
  const base = (tag: string) => tag.toLowerCase().split('-')[0];
  return (
    tracks.find(({ tag }) => tag.toLowerCase() === wanted.toLowerCase()) ??
    tracks.find(({ tag }) => base(tag) === base(wanted)) ??
    null
  );
}

/** What there is to choose from before Play. */
export function soundsOf(part: Part | undefined): readonly Heard[] {
  const heard = part?.heard ?? [];
  return heard.some(({ is_first }) => !is_first) ? heard : [];
}

/**
 * What Play asks for where the viewer has not said: the first wish that can be heard. No clock is started for a language
 * that nobody has asked for, unless Play starts one anyway.
 */
export function wishOf(sounds: readonly Heard[], wishes: readonly (string | null | undefined)[]): string | null {
  const starts_anyway = sounds.some(({ is_first, starts_clock }) => is_first && starts_clock);
  const free = sounds.filter(({ starts_clock }) => starts_anyway || !starts_clock).map(({ language }) => ({ tag: language }));
  for (const wish of wishes) {
    const found = inLanguage(free, wish ?? null);
    if (found) return found.tag;
  }
  return null;
}
