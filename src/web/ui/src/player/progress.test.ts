import { expect, test } from 'vitest';
import { Progress, type Position } from './progress';
import type { Place } from './resume';

const at = (position_s: number): Position => ({ part: 1, position_ms: position_s * 1_000, duration_ms: 6_000_000 });

function keeping(answers: ('taken' | 'lost' | 'refused')[] = []) {
  const world = {
    now: 0,
    local: [] as Place[],
    sent: [] as [number, string][],
    answer: null as null | (() => void),
  };
  const progress = new Progress('ttl_1', {
    local: { read: () => null, write: (_, place) => void world.local.push(place) },
    put: (_, position, when) => {
      world.sent.push([position.position_ms / 1_000, when]);
      return new Promise((resolve) => (world.answer = () => resolve(answers.shift() ?? 'taken')));
    },
    now: () => world.now,
    wall: () => new Date(Date.UTC(2026, 10, 20) + world.now),
  });
  const settle = async () => {
    world.answer?.();
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { world, progress, settle };
}

test('playing is kept here every second and on the server every ten', async () => {
  const { world, progress, settle } = keeping();
  for (world.now = 250; world.now <= 21_000; world.now += 250) {
    progress.playing(at(world.now / 1_000));
    await settle();
  }
  expect(world.sent).toEqual([
    [10, 'now'],
    [20, 'now'],
  ]);
  expect(world.local.length).toBe(21);
  expect(world.local.at(-1)?.updated_at).toBe('2026-11-20T00:00:20.250Z');
});

test('a pause, a seek and leaving are kept at once', async () => {
  const { world, progress, settle } = keeping();
  progress.settled(at(3));
  await settle();
  progress.left(at(4));
  expect(world.sent).toEqual([
    [3, 'now'],
    [4, 'leaving'],
  ]);
  expect(world.local.map(({ position_ms }) => position_ms)).toEqual([3_000, 4_000]);
});

test('one is under way at a time, and of those that wait only the newest is sent', async () => {
  const { world, progress, settle } = keeping();
  for (const second of [1, 2, 3]) progress.settled(at(second));
  expect(world.sent).toEqual([[1, 'now']]);
  await settle();
  await settle();
  expect(world.sent).toEqual([
    [1, 'now'],
    [3, 'now'],
  ]);
});

test('a server that refuses is asked no more; this browser still keeps', async () => {
  const { world, progress, settle } = keeping(['lost', 'refused']);
  for (const second of [1, 2, 3]) {
    progress.settled(at(second));
    await settle();
  }
  progress.left(at(4));
  expect(world.sent.length).toBe(2);
  expect(world.local.length).toBe(4);
});
