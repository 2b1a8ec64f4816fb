import { expect, test } from 'vitest';
import * as words from '../words/entry';
import { contains, territories, territoriesText, territoryOf } from './territory';

test('a territory is found by its code or its name in either language', () => {
  expect(territories.length).toBe(249);
  expect(['cn', 'CN', '中国', 'China', ' germany ', '德国', 'Ｊｐ'].map(territoryOf)).toEqual(['CN', 'CN', 'CN', 'CN', 'DE', 'DE', 'JP']);
  expect(['', 'XX', 'un', 'Atlantis'].map(territoryOf)).toEqual([null, null, null, null]);
});

test('a set is told in words', () => {
  const said = (include: string[], exclude: string[]) => territoriesText({ include, exclude }, words.zh, 'zh-CN');
  expect(said([], [])).toBe('全球');
  expect(said(['CN', 'JP'], [])).toBe('中国、日本');
  expect(said([], ['CN'])).toBe('全球（中国除外）');
  expect(territoriesText({ include: ['CN', 'JP', 'KR', 'DE', 'FR'], exclude: [] }, words.en, 'en')).toBe('China, Japan, South Korea, Germany and 1 more');
});

test('no listed territory means every one', () => {
  expect(contains({ include: [], exclude: ['CN'] }, 'DE')).toBe(true);
  expect(contains({ include: [], exclude: ['CN'] }, 'CN')).toBe(false);
  expect(contains({ include: ['CN'], exclude: [] }, 'DE')).toBe(false);
});
