import { beforeEach, expect, test, vi } from 'vitest';
import { Withheld } from './withheld';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  return () => vi.useRealTimers();
});

test('what is withheld is done at its instant and not before, and at once after it', () => {
  const withheld = new Withheld(performance.now() + 5_000);
  const act = vi.fn();
  withheld.then(act);
  vi.advanceTimersByTime(4_999);
  expect(act).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(act).toHaveBeenCalledTimes(1);
  withheld.then(act);
  expect(act).toHaveBeenCalledTimes(2);
});

test('what was called off is never done', () => {
  const withheld = new Withheld(performance.now() + 5_000);
  const [one, two] = [vi.fn(), vi.fn()];
  const callOff = withheld.then(one);
  withheld.then(two);
  callOff();
  withheld.end();
  vi.advanceTimersByTime(10_000);
  expect(one).not.toHaveBeenCalled();
  expect(two).not.toHaveBeenCalled();
});
