import { expect, test } from 'vitest';
import type { Heard, Part } from './api';
import { inLanguage, soundsOf, wishOf } from './hearing';

const heard = (language: string, is_first: boolean, starts_clock = false): Heard => ({ language, via: is_first ? 'membership' : 'grant', starts_clock, is_first });
const part = (...all: Heard[]): Part => ({ part: 1, name: null, runtime_ms: 1, heard: all });

test('there is a choice only where another right has to be taken for another language', () => {
  expect(soundsOf(part(heard('hi', true), heard('ta', false))).map(({ language }) => language)).toEqual(['hi', 'ta']);
  expect(soundsOf(part(heard('hi', true), heard('ta', true)))).toEqual([]);
  expect([soundsOf(part()), soundsOf({ part: 1, name: null, runtime_ms: 1 }), soundsOf(undefined)]).toEqual([[], [], []]);
});

test('the first wish that can be heard is asked for, in the film’s own tag, and none where none can', () => {
  const sounds = [heard('hi', true), heard('zh-Hant', false), heard('en', false)];
  expect(wishOf(sounds, [null, 'zh-CN', 'en'])).toBe('zh-Hant');
  expect(wishOf(sounds, ['fr', undefined, 'en'])).toBe('en');
  expect([wishOf(sounds, ['fr', null]), wishOf([], ['en'])]).toEqual([null, null]);
});

test('nobody’s clock is started for a language that was not asked for', () => {
  expect(wishOf([heard('hi', true), heard('zh', false, true)], ['zh-CN', 'hi'])).toBe('hi');
  expect(wishOf([heard('hi', true), heard('zh', false, true)], ['zh-CN'])).toBeNull();
  expect(wishOf([heard('hi', true, true), heard('zh', false, true)], ['zh-CN'])).toBe('zh');
});

test('a track is found by its tag, else by its language', () => {
  const tracks = [{ tag: 'zh-Hans' }, { tag: 'zh-Hant' }, { tag: 'en-GB' }];
  expect([inLanguage(tracks, 'ZH-hant')?.tag, inLanguage(tracks, 'zh-CN')?.tag, inLanguage(tracks, 'en')?.tag]).toEqual(['zh-Hant', 'zh-Hans', 'en-GB']);
  expect([inLanguage(tracks, 'fr'), inLanguage(tracks, null)]).toEqual([null, null]);
});
