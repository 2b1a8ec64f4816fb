import { expect, test } from 'vitest';
import { teaserOf } from '../player/teaser';
import { hasTeaser, shareLink } from './share';

test('a link names the page, what plays on it, and the campaign', () => {
  expect(shareLink('https://cinema.example', 'ttl_1', null, null)).toBe('https://cinema.example/title/ttl_1');
  expect(shareLink('https://cinema.example', 'ttl_1', 'trailer', null)).toBe('https://cinema.example/title/ttl_1?play=trailer');
  expect(shareLink('https://cinema.example', 'ttl_1', 'clip-2', 'spring')).toBe('https://cinema.example/title/ttl_1?play=clip-2&campaign=spring');
});

test('what a link names is read back, and nothing else is', () => {
  expect(['trailer', 'preview', 'clip-1', 'clip-20'].map(teaserOf)).toEqual(['trailer', 'preview', 'clip-1', 'clip-20']);
  for (const word of [null, '', 'film', 'clip-0', 'clip-', 'clip-1x', 'clip-1000']) expect(teaserOf(word)).toBeNull();
});

test('only what the title has is played', () => {
  const title = { trailer: null, preview: { runtime_ms: 1 }, clips: [{ name: {}, runtime_ms: 1 }] };
  expect(hasTeaser(title, 'trailer')).toBe(false);
  expect(hasTeaser(title, 'preview')).toBe(true);
  expect([hasTeaser(title, 'clip-1'), hasTeaser(title, 'clip-2')]).toEqual([true, false]);
  expect(hasTeaser({}, 'clip-1')).toBe(false);
});
