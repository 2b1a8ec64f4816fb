// What a title is, in a few words each.

import type { Credit, Title } from './api';
import { count, localized } from './format';
import type { Locale, Words } from './words';

export interface Fact {
  is: 'year' | 'runtime' | 'country' | 'rating' | 'genres';
  text: string;
}

type Genre = { [Key in keyof Words]: Key extends `genre_${infer Slug}` ? Slug : never }[keyof Words];

export function factsOf(title: Title, words: Words, locale: Locale): Fact[] {
  const genres = (title.genres ?? []).map((slug) => (isGenre(slug, words) ? words[`genre_${slug}`] : slug));
  const facts: (Fact | null)[] = [
    title.year ? { is: 'year', text: String(title.year) } : null,
    title.runtime_ms > 0 ? { is: 'runtime', text: runtime(title.runtime_ms, words, locale) } : null,
    title.content_rating
      ? { is: 'rating', text: title.content_rating }
      : title.min_age != null
        ? { is: 'rating', text: `${title.min_age}+` }
        : null,
    title.country ? { is: 'country', text: territoryName(title.country, locale) } : null,
    genres.length > 0 ? { is: 'genres', text: genres.join(locale === 'en' ? ', ' : ' / ') } : null,
  ];
  return facts.filter((fact) => fact !== null);
}

const isGenre = (slug: string, words: Words): slug is Genre => `genre_${slug}` in words;

export function runtime(runtime_ms: number, words: Words, locale: Locale): string {
  if (runtime_ms < 60_000) return words.runtime_s(count(Math.round(runtime_ms / 1_000), locale));
  const minutes = Math.round(runtime_ms / 60_000);
  if (minutes < 60) return words.runtime_min(count(minutes, locale));
  return words.runtime_h(count(Math.floor(minutes / 60), locale), count(minutes % 60, locale));
}

export function territoryName(code: string, locale: Locale): string {
  try {
    return new Intl.DisplayNames(locale, { type: 'region' }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** Who made it, a line for each role, in the order of the credits. */
export function crewOf(cast: readonly Credit[], words: Words, locale: Locale): string[] {
  const say = { director: words.directed_by, writer: words.written_by, producer: words.produced_by } as const;
  return (['director', 'writer', 'producer'] as const).flatMap((role) => {
    const names = cast.filter((credit) => credit.role === role).map((credit) => localized(credit.name, locale));
    return names.length > 0 ? [say[role](new Intl.ListFormat(locale, { type: 'unit' }).format(names))] : [];
  });
}
