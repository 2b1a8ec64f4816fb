import { expect, test, vi } from 'vitest';

vi.stubGlobal('addEventListener', () => undefined);
vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined });
const { stepsOf, isOpen, isOver } = await import('./desk.svelte');

const now = Date.parse('2026-12-01T00:00:00Z');
const title = { assets: [], status: 'draft', poster_portrait: false } as never;
const avail = (id: string, license_type: string, end_at: string | null) => ({ id, license_type, start_at: '2026-11-01T00:00:00Z', end_at }) as never;
const done = (...args: [never[], ReadonlyMap<string, never[]>]) =>
  Object.fromEntries(stepsOf(title, ...args, now).map((step) => [step.name, step.done]));

test('an empty title lacks everything', () => {
  expect(done([], new Map())).toEqual({ film: false, window: false, offer: false, poster: false, live: false });
});

test('a window that is over is none, and an offer that was withdrawn is none', () => {
  expect(done([avail('a', 'vod', '2026-12-01T00:00:00Z')], new Map())).toMatchObject({ window: false, offer: false });
  const open = [avail('a', 'vod', null)];
  expect(done(open, new Map([['a', [{ withdrawn_at: '2026-11-02T00:00:00Z' } as never]]]))).toMatchObject({ window: true, offer: false });
  expect(done(open, new Map([['a', [{ withdrawn_at: null } as never]]]))).toMatchObject({ offer: true });
});

test('a title for members needs no price', () => {
  expect(done([avail('a', 'svod', null)], new Map())).toMatchObject({ window: true, offer: true });
});

test('a window holds its start and not its end', () => {
  const window = { start_at: '2026-11-01T00:00:00Z', end_at: '2026-12-01T00:00:00Z' };
  expect([isOpen(window, Date.parse(window.start_at)), isOpen(window, now - 1), isOpen(window, now), isOver(window, now)]).toEqual([true, true, false, true]);
});
