import { expect, test } from 'vitest';
import { territories } from '../entry/territory';
import { columnsOf, continents, nextTile, tiles } from './tiles';

test('every territory has one tile, and no two share a place', () => {
  expect(tiles.map(({ code }) => code).sort()).toEqual([...territories].sort());
  const places = tiles.map(({ continent, column, row }) => `${continent} ${column} ${row}`);
  expect(new Set(places).size).toBe(tiles.length);
});

test('a continent is as wide as its first line, and fits a phone', () => {
  for (const continent of continents) {
    const wide = Math.max(...tiles.filter((tile) => tile.continent === continent).map(({ column }) => column + 1));
    expect(wide).toBeLessThanOrEqual(columnsOf(continent));
    expect(columnsOf(continent)).toBeLessThanOrEqual(12);
  }
});

test('arrow keys lead to the neighbour, over the sea too, and stop at the edge', () => {
  expect(nextTile('FR', 'right')).toBe('BE');
  expect(nextTile('CN', 'down')).toBe('BT');
  expect(nextTile('IS', 'left')).not.toBe('IS');
  expect(nextTile('MX', 'left')).toBe('MX');
  for (const { code } of tiles) {
    // From everywhere one comes somewhere, and from anywhere back.
    expect(['left', 'right', 'up', 'down'].some((way) => nextTile(code, way as 'left') !== code)).toBe(true);
  }
});
