import { expect, test } from 'vitest';
import { en, zh } from '../words/entry';
import { entryText, heardTogether, join, languageOf, languagesText, same, split } from './languages';

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
