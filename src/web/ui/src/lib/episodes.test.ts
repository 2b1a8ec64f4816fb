import { describe, expect, test } from 'vitest';
import type { Decision, Part } from './api';
import { partName, plays, stateOf, termsText } from './episodes';
import type { NextStep } from './http';
import { catalogues } from './words';

const { en, 'zh-CN': zh } = catalogues;
const allowed = (via: Extract<Decision, { allow: true }>['via']): Decision => ({ allow: true, via, starts_clock: false });
const denied = (code: string, next: NextStep[] = []): Decision => ({ allow: false, code, message: '', next });
const part = (decision?: Decision | null): Part => ({ part: 3, name: null, runtime_ms: 1, decision: decision ?? null });
const episodes = { free: 2, coins: 60, rewarded_per_day: 1 };
const opens_at = '2027-02-01T00:00:00Z';

describe('a part', () => {
  test('stands as its own decision says', () => {
    const series = { episodes, decision: allowed('free') };
    const is = (decision: Decision) => stateOf(part(decision), series);
    expect(is(allowed('free'))).toEqual({ is: 'free' });
    expect(is(allowed('unlock'))).toEqual({ is: 'yours' });
    expect(is(allowed('grant'))).toEqual({ is: 'yours' });
    expect(is(allowed('membership'))).toEqual({ is: 'included' });
    const locked = denied('PAYMENT_REQUIRED', [{ action: 'unlock', part: 3, coins: 60 }, { action: 'reward', part: 3, left: 1 }]);
    expect(is(locked)).toEqual({ is: 'locked', coins: 60 });
    expect(is(denied('WINDOW_NOT_OPEN', [{ action: 'wait', opens_at }]))).toEqual({ is: 'later', opens_at });
    const closed = denied('WINDOW_CLOSED');
    expect(is(closed)).toEqual({ is: 'away', denial: closed });
  });

  test('stands as its title does until its own decision is there, unless it is an episode', () => {
    const decision = allowed('grant');
    expect(stateOf(part(), { decision })).toEqual({ is: 'yours' });
    expect(stateOf(part(), { decision, episodes })).toEqual({ is: 'unknown' });
  });

  test('plays where nothing is in the way', () => {
    expect((['free', 'yours', 'included'] as const).every((is) => plays({ is }))).toBe(true);
    expect(plays({ is: 'locked', coins: 1 }) || plays({ is: 'later', opens_at }) || plays({ is: 'unknown' })).toBe(false);
  });

  test('is an episode of a series, and a part of anything else', () => {
    const named = { part: 3, name: { en: 'The letter', 'zh-CN': '信' } };
    expect(partName(named, { episodes }, en, 'en')).toBe('Episode 3: The letter');
    expect(partName(named, { episodes: null }, en, 'en')).toBe('Part 3: The letter');
    expect(partName({ part: 3, name: null }, { episodes }, zh, 'zh-CN')).toBe('第 3 集');
  });
});

describe('the terms', () => {
  const say = (free: number, coins: number, parts = 80) => termsText({ free, coins, rewarded_per_day: 0 }, parts, en, 'en');
  test('say what is free and what the rest costs', () => {
    expect(say(10, 60)).toBe('Episodes 1–10 are free, then 60 coins each.');
    expect(say(1, 1)).toBe('Episode 1 is free, then 1 coin each.');
    expect(say(0, 1200)).toBe('1,200 coins for each episode.');
    expect(say(80, 60)).toBe('All episodes are free.');
    expect(termsText({ free: 10, coins: 60, rewarded_per_day: 0 }, 80, zh, 'zh-CN')).toBe('第 1–10 集免费，之后每集 60 金币。');
  });
});
