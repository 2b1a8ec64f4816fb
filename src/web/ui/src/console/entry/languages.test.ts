import { expect, test } from 'vitest';
import { en, zh } from '../words/entry';
import { allHeard, entryText, heardTogether, join, languageOf, languagesText, same, split } from './languages';

test('a language is named in either language, or by its tag', () => {
  const of = (text: string) => languageOf(text, en);
  expect([of('Cantonese'), of('粤语'), of('YUE'), of('en-GB'), of(' * '), of('Any language'), of('und')]).toEqual(['yue', 'yue', 'yue', 'en-GB', '*', '*', 'und']);
  expect([of(''), of('no such language'), of('e'), of('中文字幕'), of('en_GB')]).toEqual([null, null, null, null, null]);
});

test('what it is for goes with it', () => {
  expect([split('zh'), split('zh-Hant:sub'), split('*:dub')]).toEqual([['zh', 'subdub'], ['zh-Hant', 'sub'], ['*', 'dub']]);
  expect([join('zh', 'subdub'), join('zh', 'dub')]).toEqual(['zh', 'zh:dub']);
  expect(entryText('yue:dub', en, 'en')).toBe('Cantonese (sound only)');
  expect(entryText('*:sub', zh, 'zh-CN')).toBe('任意语言（仅字幕）');
});

test('a window says what may be had in it', () => {
  expect(languagesText(null, en, 'en')).toBeNull();
  expect(languagesText({ allow: ['zh', 'en:sub'] }, en, 'en')).toBe('Only Chinese, English (subtitles only)');
  expect(languagesText({ hold_back: ['fr'] }, zh, 'zh-CN')).toBe('法语除外');
  expect([same({ allow: ['zh', 'en'] }, { allow: ['en', 'zh'] }), same({ allow: ['zh'] }, { hold_back: ['zh'] }), same(null, null)]).toEqual([true, false, true]);
});

test('two lists meet where a language is heard under both', () => {
  const allow = (...list: string[]) => ({ allow: list });
  const but = (...list: string[]) => ({ hold_back: list });
  expect([heardTogether(null, allow('zh')), heardTogether(allow('zh'), allow('zh-Hant')), heardTogether(allow('zh'), allow('en', 'zh:sub'))]).toEqual([true, true, false]);
  expect([heardTogether(allow('zh'), allow('yue')), heardTogether(but('zh'), allow('yue')), heardTogether(allow('es-419'), allow('es-ES')), heardTogether(allow('yue'), allow('cmn'))]).toEqual([true, false, false, false]);
  expect([heardTogether(allow('zh'), but('zh')), heardTogether(but('zh-Hant'), allow('zh')), heardTogether(but('zh'), but('en')), heardTogether(allow('*:dub'), but('en'))]).toEqual([false, true, true, true]);
});

test('all is heard where each track that one lets out is let out by some of the others', () => {
  const allow = (...list: string[]) => ({ allow: list });
  const but = (...list: string[]) => ({ hold_back: list });
  const speaks = (...tracks: (string | null)[]) => [tracks];
  expect([allHeard([null], allow('zh'), []), allHeard([allow('zh'), null], null, speaks('fr'))]).toEqual([true, true]);
  expect([allHeard([allow('zh')], null, speaks('zh-Hant', 'yue')), allHeard([allow('zh-Hant')], null, speaks('zh-TW')), allHeard([allow('en')], null, speaks('eng'))]).toEqual([true, true, true]);
  expect([allHeard([allow('yue')], null, speaks('yue', 'cmn')), allHeard([allow('yue'), allow('cmn')], null, speaks('yue', 'cmn'))]).toEqual([false, true]);
  expect([allHeard([allow('zh:sub', 'en')], null, speaks('zh', 'en')), allHeard([but('zh:sub')], null, speaks('zh'))]).toEqual([false, true]);
  // Of each of several parts; a film without sound needs nothing, and a track that declares no language is `und`.
  expect([allHeard([allow('zh')], null, [['zh'], ['en']]), allHeard([allow('zh')], null, [[]])]).toEqual([false, true]);
  expect([allHeard([allow('zh')], null, speaks(null)), allHeard([allow('und')], null, speaks(null)), allHeard([but('zh')], null, speaks(null))]).toEqual([false, true, true]);
  // Where nobody knows what is spoken one of them has to let it all out.
  const keeps = (is: Parameters<typeof allHeard>[0][number], before: Parameters<typeof allHeard>[1]) => allHeard([is], before, []);
  expect([keeps(allow('zh'), null), keeps(allow('*'), null), keeps(but('zh'), null), keeps(but('zh:sub'), null)]).toEqual([false, true, false, true]);
  expect([keeps(allow('zh', 'en'), allow('yue')), keeps(allow('yue'), allow('zh')), keeps(allow('zh'), allow('zh', 'fr:sub'))]).toEqual([true, false, true]);
  expect([keeps(but('zh'), but('zh', 'en')), keeps(but('zh', 'en'), but('zh')), keeps(but('yue'), but('zh'))]).toEqual([true, false, true]);
  expect([keeps(but('fr'), allow('zh')), keeps(but('zh-Hant'), allow('zh')), keeps(allow('zh'), but('fr')), keeps(allow('*'), but('fr'))]).toEqual([true, false, false, true]);
  expect(allHeard([allow('hi'), allow('ta')], allow('hi', 'ta'), [])).toBe(false);
});
