import { expect, test } from 'vitest';
import { en, zh } from '../words/film';
import { playableText, rungsText, sidecarText } from './job';

const growing = {
  segments: 4,
  playable_ms: 24_000,
  film_ms: 5_400_000,
  tracks: ['v1080', 'a-en-2'],
  planned: ['v1080', 'v720', 'v480', 'a-en-2'],
};

test('how much of a growing film can be played: rungs, time and sizes, but no sound', () => {
  expect(rungsText(growing, en, 'en')).toBe('Playable now: 1 of 3 rungs');
  expect(rungsText(growing, zh, 'zh-CN')).toBe('现已可播放：3 档中的 1 档');
  expect(rungsText({ ...growing, planned: ['v1080'] }, en, 'en')).toBe('Playable now: 1 of 1 rung');
  // A job that an older server began does not say what is planned.
  expect(rungsText({ ...growing, planned: [] }, en, 'en')).toBe('Playable now: 1 of 1 rung');
  expect(playableText(growing, en)).toBe('0:24 of 1:30:00 · 1080p');
});

test('a file beside a film has a kind and a language', () => {
  expect(sidecarText({ kind: 'audio', language: 'fr' }, en, 'en')).toBe('Sound · French');
  expect(sidecarText({ kind: 'subtitles', language: 'zh-Hans' }, zh, 'zh-CN')).toBe('字幕 · 简体中文');
});
