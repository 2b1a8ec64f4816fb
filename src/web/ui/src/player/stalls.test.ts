import { expect, test } from 'vitest';
import { Stalls, type StallEvent } from './stalls';

function watching() {
  const told: StallEvent[] = [];
  const clock = { now: 0 };
  return { told, clock, stalls: new Stalls((event) => told.push(event), () => clock.now) };
}
const start = { kind: 'stall_start' };

test('start-up is no stall', () => {
  const { told, stalls } = watching();
  stalls.wait();
  stalls.move();
  expect(told).toEqual([]);
});

test('a wait while the film runs is the delivery’s', () => {
  const { told, clock, stalls } = watching();
  stalls.start();
  stalls.wait();
  clock.now = 1_200;
  stalls.wait();
  stalls.move();
  stalls.move();
  expect(told).toEqual([start, { kind: 'stall_end', ms: 1_200, seeking: false }]);
});

test('a wait after a seek is the seek’s, and the next one is not', () => {
  const { told, clock, stalls } = watching();
  stalls.start();
  stalls.seek();
  stalls.wait();
  clock.now = 300;
  stalls.move();
  stalls.wait();
  clock.now = 500;
  stalls.move();
  expect(told).toEqual([
    start,
    { kind: 'stall_end', ms: 300, seeking: true },
    start,
    { kind: 'stall_end', ms: 200, seeking: false },
  ]);
});

test('a seek out of a stall ends it, and waits on its own account', () => {
  const { told, clock, stalls } = watching();
  stalls.start();
  stalls.wait();
  clock.now = 700;
  stalls.seek();
  stalls.wait();
  clock.now = 800;
  stalls.seek();
  stalls.move();
  expect(told).toEqual([
    start,
    { kind: 'stall_end', ms: 700, seeking: false },
    start,
    { kind: 'stall_end', ms: 100, seeking: true },
  ]);
});

test('who pauses or leaves waits no more', () => {
  const { told, clock, stalls } = watching();
  stalls.start();
  stalls.wait();
  clock.now = 400;
  stalls.rest();
  clock.now = 9_000;
  stalls.move();
  expect(told).toEqual([start, { kind: 'stall_end', ms: 400, seeking: false }]);
});
