import { expect, test } from 'vitest';
import { languageLabel, rungName } from './labels';

test.each([
  ['fr', 'Track 2', 'zh-CN', '法语'],
  ['zh-Hans', '', 'en', 'Simplified Chinese'],
  ['und', 'Audio', 'en', 'Original'],
  ['und', 'Commentary', 'en', 'Commentary'],
  ['not a tag', 'Odd', 'en', 'Odd'],
] as const)('%s %s is called in %s what it is', (tag, name, locale, label) => {
  expect(languageLabel({ id: 0, tag, name }, locale, 'Original')).toBe(label);
});

test.each([
  [1920, 1080, '1080p'],
  [1920, 804, '1080p'],
  [1280, 720, '720p'],
  [854, 480, '480p'],
  [640, 272, '360p'],
  [320, 240, '240p'],
  [1080, 1920, '1920p'],
])('%i × %i is %s', (width, height, name) => {
  expect(rungName({ id: 0, width, height, bitrate_bps: 1 })).toBe(name);
});
