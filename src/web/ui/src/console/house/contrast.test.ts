import { expect, test } from 'vitest';
import { BLACK, PAPER_DARK, PAPER_LIGHT, WHITE, contrast, inkOn, isReadable, readable, rgbOf } from './contrast';

test('contrast is that of WCAG', () => {
  expect(contrast(BLACK, WHITE)).toBe(21);
  expect(contrast([119, 119, 119], WHITE)).toBeCloseTo(4.48, 2);
  expect(rgbOf('#A3201a')).toEqual([163, 32, 26]);
  expect(['a3201a', '#a32', '#zzzzzz'].map(rgbOf)).toEqual([null, null, null]);
});

test('whatever the brand, buttons and text can be read', () => {
  for (const hex of ['#000000', '#ffffff', '#ff4f1a', '#a3201a', '#ffe600', '#00ff00', '#777777', '#0000ff']) {
    const colour = rgbOf(hex) ?? BLACK;
    expect(contrast(colour, inkOn(colour)), hex).toBeGreaterThanOrEqual(4.5);
    for (const paper of [PAPER_LIGHT, PAPER_DARK]) expect(isReadable(readable(colour, paper), paper), hex).toBe(true);
  }
});

test('a colour that can be read stays what it is', () => {
  expect(readable([163, 32, 26], PAPER_LIGHT)).toEqual([163, 32, 26]);
});
