import { expect, test } from 'vitest';
import { pathOf, placeOf } from './pattern';

const patterns = { titles: '/', watch: '/watch/{title_id}', edit: '/titles/{title_id}/edits/{edit_id}' };

test.each([
  ['/', { page: 'titles' }],
  ['/watch/ttl_1', { page: 'watch', title_id: 'ttl_1' }],
  ['/watch/a%2Fb', { page: 'watch', title_id: 'a/b' }],
  ['/titles/t/edits/e', { page: 'edit', title_id: 't', edit_id: 'e' }],
  ['/watch/', { page: 'unknown' }],
  ['/watch/a/b', { page: 'unknown' }],
  ['/watch/%', { page: 'unknown' }],
  ['/nothing', { page: 'unknown' }],
])('%s', (path, place) => {
  expect(placeOf(patterns, path)).toEqual(place);
});

test('a path is made from its pattern', () => {
  expect(pathOf('/titles/{title_id}/edits/{edit_id}', { title_id: 'a/b', edit_id: 'ü' })).toBe(
    '/titles/a%2Fb/edits/%C3%BC',
  );
});
