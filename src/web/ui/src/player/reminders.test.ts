import { expect, test } from 'vitest';
import { Reminders } from './reminders';

const MINUTE_MS = 60_000;

test('a reminder comes at 30, 10 and 1 minutes, each once', () => {
  const reminders = new Reminders();
  const said: [number, number][] = [];
  for (let left_ms = 40 * MINUTE_MS; left_ms >= -MINUTE_MS; left_ms -= 1_000) {
    const minutes = reminders.due(left_ms);
    if (minutes !== null) said.push([left_ms / MINUTE_MS, minutes]);
  }
  expect(said).toEqual([
    [30, 30],
    [10, 10],
    [1, 1],
  ]);
});

test('who comes late is told what is left, not what has passed', () => {
  const reminders = new Reminders();
  expect(reminders.due(7.5 * MINUTE_MS)).toBe(8);
  expect(reminders.due(7.4 * MINUTE_MS)).toBe(null);
});

test('nothing is said long before, nor after', () => {
  expect(new Reminders().due(31 * MINUTE_MS)).toBe(null);
  expect(new Reminders().due(0)).toBe(null);
});
