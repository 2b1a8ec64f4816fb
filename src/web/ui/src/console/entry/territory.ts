// Territories by ISO 3166-1 alpha-2 code, their names in the operator's language, and sets of them in words.

import type { Locale, Shape } from '../../lib/words/shape';
import type { Territories } from '../api/catalogue';
import type { en } from '../words/entry';

/** Every officially assigned code. */
const ASSIGNED =
  'ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZ' +
  'DEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZ' +
  'LALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURW' +
  'SASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW';
export const territories: readonly string[] = ASSIGNED.match(/../g) ?? [];

export function territoryName(code: string, locale: Locale): string {
  try {
    return new Intl.DisplayNames(locale, { type: 'region' }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** The code of what was typed: a code, or a name in either language. */
export function territoryOf(text: string): string | null {
  const wanted = text.normalize('NFKC').trim().toLowerCase();
  if (wanted === '') return null;
  const code = wanted.toUpperCase();
  if (territories.includes(code)) return code;
  const names = (each: string) => [territoryName(each, 'zh-CN'), territoryName(each, 'en')].map((name) => name.toLowerCase());
  const exact = territories.find((each) => names(each).includes(wanted));
  if (exact) return exact;
  const begins = territories.filter((each) => names(each).some((name) => name.startsWith(wanted)));
  return begins.length === 1 ? (begins[0] ?? null) : null;
}

const SPELLED_MAX = 4;

export function territoriesText({ include, exclude }: Territories, words: Shape<typeof en>, locale: Locale): string {
  const names = (codes: readonly string[]) => {
    const spelled = codes.slice(0, SPELLED_MAX).map((code) => territoryName(code, locale));
    const text = new Intl.ListFormat(locale, { type: 'unit', style: locale === 'en' ? 'short' : 'narrow' }).format(spelled);
    const list = locale === 'en' ? text : spelled.join('、');
    if (codes.length <= SPELLED_MAX) return list;
    return words.and_more(list, String(locale === 'en' ? codes.length - SPELLED_MAX : codes.length));
  };
  if (include.length > 0) return names(include.filter((code) => !exclude.includes(code)));
  return exclude.length > 0 ? words.world_except(names(exclude)) : words.world;
}

export function contains({ include, exclude }: Territories, code: string): boolean {
  return (include.length === 0 || include.includes(code)) && !exclude.includes(code);
}
