// Languages of a window: BCP 47 tags with what they are for, as the API writes them (`zh`, `en:sub`, `*:dub`), in words.

import type { Locale, Shape } from '../../lib/words/shape';
import type { Languages } from '../api/catalogue';
import type { en } from '../words/entry';

type Words = Shape<typeof en>;

export const languageUses = ['subdub', 'dub', 'sub'] as const;
export type LanguageUse = (typeof languageUses)[number];

/** What can be chosen from a list; any other tag can be typed. */
const KNOWN = [
  'zh', 'zh-Hans', 'zh-Hant', 'cmn', 'yue', 'nan', 'en', 'ar', 'bn', 'bo', 'cs', 'da', 'de', 'el', 'es', 'es-419', 'fa', 'fi', 'fil', 'fr', 'fr-CA',
  'he', 'hi', 'hu', 'id', 'it', 'ja', 'ko', 'mn', 'ms', 'nl', 'no', 'pl', 'pt', 'pt-BR', 'ro', 'ru', 'sv', 'ta', 'te', 'th', 'tr', 'ug', 'uk', 'ur', 'vi',
] as const;
const ANY = '*';
const UNDETERMINED = 'und';
export const knownLanguages: readonly string[] = [...KNOWN, ANY, UNDETERMINED];

/** The tag and what it is for. */
export function split(entry: string): [string, LanguageUse] {
  const [tag = '', use = 'subdub'] = entry.split(':');
  return [tag, languageUses.find((each) => each === use) ?? 'subdub'];
}

export function join(tag: string, use: LanguageUse): string {
  return use === 'subdub' ? tag : `${tag}:${use}`;
}

export function languageName(tag: string, words: Words, locale: Locale): string {
  if (tag === ANY) return words.language_any;
  if (tag === UNDETERMINED) return words.language_und;
  try {
    return new Intl.DisplayNames(locale, { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** The tag of what was typed: a tag, or a name in either language. */
export function languageOf(text: string, words: Words): string | null {
  const wanted = text.normalize('NFKC').trim();
  if (wanted === ANY) return ANY;
  const names = (tag: string) => (['zh-CN', 'en'] as const).map((locale) => languageName(tag, words, locale).toLowerCase());
  const named = knownLanguages.find((tag) => tag.toLowerCase() === wanted.toLowerCase() || names(tag).includes(wanted.toLowerCase()));
  if (named !== undefined) return named;
  return /^[a-z]{2,3}(-[a-z0-9]{1,8})*$/i.test(wanted) && wanted.length <= 35 ? wanted : null;
}

/** Those that `zh` holds and that have codes of their own. */
const CHINESE = new Set(['cdo', 'cjy', 'cmn', 'cpx', 'csp', 'czh', 'czo', 'gan', 'hak', 'hsn', 'mnp', 'nan', 'wuu', 'yue']);
const isScript = (subtag: string) => /^[a-z]{4}$/.test(subtag);
const isRegion = (subtag: string) => /^([a-z]{2}|\d{3})$/.test(subtag);
const isLanguage = (subtag: string) => /^[a-z]{3}$/.test(subtag);

/** Contracts and films write one language in several ways; the server compares them in this form (`rights/language_range.rs`). */
function commonForm(tag: string): string[] {
  if (tag === ANY) return [ANY];
  const [first = '', ...rest] = tag.toLowerCase().split('-');
  const subtags = CHINESE.has(first) ? ['zh', first, ...rest] : [...shortest(first), ...rest];
  const region = subtags.findIndex((subtag, place) => place > 0 && /^[a-z]{2}$/.test(subtag));
  if (subtags[0] !== 'zh' || region < 0 || subtags.slice(1).some(isScript)) return subtags;
  const script = new Map([['cn', 'hans'], ['sg', 'hans'], ['my', 'hans'], ['tw', 'hant'], ['hk', 'hant'], ['mo', 'hant']]).get(subtags[region] ?? '');
  return script === undefined ? subtags : [...subtags.slice(0, region), script, ...subtags.slice(region)];
}

/** `en` for `eng`. */
function shortest(language: string): string[] {
  try {
    return Intl.getCanonicalLocales(language).map((tag) => tag.toLowerCase());
  } catch {
    return [language];
  }
}

const isAny = ([first]: readonly string[]) => first === ANY;
/** Whether a range means all of a tag. */
const covers = (range: readonly string[], tag: readonly string[]) =>
  isAny(range) || range.every((subtag, place) => (place === 0 ? subtag === tag[0] : tag.includes(subtag)));
/** Whether some language may be meant by both. */
const meets = (a: readonly string[], b: readonly string[]) =>
  isAny(a) || isAny(b) || (a[0] === b[0] && [isScript, isRegion, isLanguage].every((is) => {
    const [x, y] = [a.slice(1).find(is), b.slice(1).find(is)];
    return x === undefined || y === undefined || x === y;
  }));
/** What of a list is about sound. */
const heard = (list: readonly string[]) => list.map(split).flatMap(([tag, use]) => (use === 'sub' ? [] : [commonForm(tag)]));

/** Whether some language may be heard under both, much as the server asks it of windows and deals. */
export function heardTogether(one: Languages | null, other: Languages | null): boolean {
  if (one === null || other === null) return true;
  if ('hold_back' in one && 'hold_back' in other) return true;
  if ('allow' in one && 'allow' in other) return heard(one.allow).some((a) => heard(other.allow).some((b) => meets(a, b)));
  const [allowed, kept] = 'allow' in one ? [one.allow, (other as { hold_back: string[] }).hold_back] : [(other as { allow: string[] }).allow, one.hold_back];
  return heard(allowed).some((tag) => !heard(kept).some((range) => covers(range, tag)));
}

/** The languages of a film's sound, track by track; `null` is one that declares none. */
export type Sound = readonly (string | null)[];

/** Whether a track of this language may be heard. */
function letsOut(languages: Languages | null, track: string | null): boolean {
  if (languages === null) return true;
  const named = heard('allow' in languages ? languages.allow : languages.hold_back).some((range) => covers(range, commonForm(track ?? UNDETERMINED)));
  return 'allow' in languages ? named : !named;
}

/** Whether whatever may be heard under `before` may be under `is`, whatever films there are. */
function keepsHeard(is: Languages, before: Languages | null): boolean {
  if ('allow' in is) {
    const allowed = heard(is.allow);
    if (before === null) return allowed.some(isAny);
    if ('allow' in before) return heard(before.allow).every((was) => allowed.some((range) => covers(range, was)));
    return allowed.some(isAny) || heard(before.hold_back).some(isAny);
  }
  const kept = heard(is.hold_back);
  if (before === null) return kept.length === 0;
  if ('allow' in before) return kept.every((range) => heard(before.allow).every((was) => !meets(was, range)));
  return kept.every((range) => heard(before.hold_back).some((was) => covers(was, range)));
}

/**
 * Whether all that is heard under `before` is heard under some of these windows, as the server asks it. Where nobody knows
 * what the films speak, one of them has to let it all out.
 */
export function allHeard(under: readonly (Languages | null)[], before: Languages | null, sounds: readonly Sound[]): boolean {
  const terms = under.filter((languages) => languages !== null);
  if (terms.length < under.length) return true;
  if (sounds.length === 0) return terms.some((languages) => keepsHeard(languages, before));
  return sounds.flat().every((track) => !letsOut(before, track) || terms.some((languages) => letsOut(languages, track)));
}

/** `Cantonese (sound only)`. */
export function entryText(entry: string, words: Words, locale: Locale): string {
  const [tag, use] = split(entry);
  const name = languageName(tag, words, locale);
  return use === 'subdub' ? name : words.with_unit(name, words[`language_${use}`]);
}

/** What a window lets be had; nothing where that is everything. */
export function languagesText(languages: Languages | null, words: Words, locale: Locale): string | null {
  if (languages === null) return null;
  const list = (entries: readonly string[]) => entries.map((entry) => entryText(entry, words, locale)).join(words.list_comma);
  return 'allow' in languages ? words.languages_only_these(list(languages.allow)) : words.languages_not_these(list(languages.hold_back));
}

/** Whether two say the same, in whatever order. */
export function same(one: Languages | null, other: Languages | null): boolean {
  const form = (languages: Languages | null) =>
    languages === null ? '' : 'allow' in languages ? `+${[...languages.allow].sort().join()}` : `-${[...languages.hold_back].sort().join()}`;
  return form(one) === form(other);
}
