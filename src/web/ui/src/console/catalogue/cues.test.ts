import { expect, test } from 'vitest';
import { cueText, parseCues } from './cues';

test('times are read as they are written', () => {
  const cues = [{ part: 1, at_ms: 750_000 }, { part: 1, at_ms: 3_723_000 }, { part: 2, at_ms: 5_000 }];
  expect(parseCues('12:30\n\n1:02:03\n2 0:05')).toEqual(cues);
  expect(parseCues(cues.map(cueText).join('\n'))).toEqual(cues);
  expect(parseCues('')).toEqual([]);
  for (const wrong of ['12', '12:60', '1:60:00', 'soon', '2 ']) expect(parseCues(wrong)).toBeNull();
});
