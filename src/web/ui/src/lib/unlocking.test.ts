import { expect, test, vi } from 'vitest';
import type { Decision, Part, Title, Wallet } from './api';
import { Failure, type Trouble } from './http';
import { Unlocking, type UnlockingPorts } from './unlocking.svelte';

const locked: Decision = {
  allow: false,
  code: 'PAYMENT_REQUIRED',
  message: '',
  next: [{ action: 'unlock', part: 3, coins: 60 }, { action: 'reward', part: 3, left: 2 }, { action: 'join' }],
};
const part: Part = { part: 3, name: null, runtime_ms: 1, decision: locked };
const title: Title = {
  id: 'ttl_1',
  name: {},
  runtime_ms: 1,
  poster_url: null,
  state: 'free',
  decision: { allow: true, via: 'free', starts_clock: false },
  episodes: { free: 2, coins: 60, rewarded_per_day: 2 },
  parts: [part],
  offers: [],
};
const wallet = (coins: number, auto_unlock = false): Wallet => ({ coins, auto_unlock, lots: [] });
const refuse = (trouble: Trouble) => vi.fn().mockRejectedValueOnce(new Failure(trouble)).mockResolvedValue(undefined);

function ports(changes: Partial<UnlockingPorts> = {}) {
  return {
    signed_in: () => true,
    title: () => Promise.resolve(title),
    wallet: () => Promise.resolve(wallet(100)),
    setAutoUnlock: (on: boolean) => Promise.resolve(wallet(100, on)),
    unlock: vi.fn(() => Promise.resolve()),
    changed: () => Promise.resolve(),
    ...changes,
  } satisfies UnlockingPorts;
}

test('the price is shown before anything is taken, and what was unlocked plays', async () => {
  const open = ports();
  const unlocking = new Unlocking(open);
  const play = vi.fn();
  await unlocking.begin(title, part, play);
  expect(unlocking).toMatchObject({ opened: true, step: 'ask', coins: 60, missing: 0 });
  expect(unlocking.ways.map(({ action }) => action)).toEqual(['reward', 'join']);
  expect(open.unlock).not.toHaveBeenCalled();
  await unlocking.unlock();
  expect(open.unlock).toHaveBeenCalledWith('ttl_1', 3, 60);
  expect(play).toHaveBeenCalledOnce();
  expect(unlocking.opened).toBe(false);
});

test('who has switched that on is not asked, as long as there are coins', async () => {
  const play = vi.fn();
  const rich = new Unlocking(ports({ wallet: () => Promise.resolve(wallet(60, true)) }));
  await rich.begin(title, part, play);
  expect(rich.opened).toBe(false);
  expect(play).toHaveBeenCalledOnce();
  expect(await rich.passes(60)).toBe(true);
  await rich.begin(title, part, play, true);
  expect(rich).toMatchObject({ opened: true, step: 'ask' });
  expect(play).toHaveBeenCalledOnce();
  const poor = new Unlocking(ports({ wallet: () => Promise.resolve(wallet(40, true)) }));
  await poor.begin(title, part, play);
  expect(poor).toMatchObject({ opened: true, missing: 20 });
  expect(await poor.passes(60)).toBe(false);
  expect(play).toHaveBeenCalledOnce();
});

test('another price is said and asked about again', async () => {
  const unlock = refuse({ code: 'PRICE_CHANGED', coins: 80 });
  const unlocking = new Unlocking(ports({ unlock }));
  const play = vi.fn();
  await unlocking.begin(title, part, play);
  await unlocking.unlock();
  expect(unlocking).toMatchObject({ opened: true, coins: 80, was: 60, trouble: null });
  expect(play).not.toHaveBeenCalled();
  await unlocking.unlock();
  expect(unlock).toHaveBeenLastCalledWith('ttl_1', 3, 80);
  expect(play).toHaveBeenCalledOnce();
});

test('coins that were spent elsewhere meanwhile are missing here', async () => {
  let coins = 100;
  const unlock = refuse({ code: 'TOO_FEW_COINS', coins: 10 });
  const unlocking = new Unlocking(ports({ unlock, wallet: () => Promise.resolve(wallet(coins)) }));
  await unlocking.begin(title, part, () => undefined);
  coins = 10;
  await unlocking.unlock();
  expect(unlocking).toMatchObject({ opened: true, missing: 50, trouble: null });
});

test('what can be watched already plays', async () => {
  const play = vi.fn();
  const unlocking = new Unlocking(ports({ unlock: refuse({ code: 'ALREADY_OWNED' }) }));
  await unlocking.begin(title, part, play);
  await unlocking.unlock();
  expect(play).toHaveBeenCalledOnce();
});

test('who is not signed in does so first, and may have the episode already', async () => {
  let signed_in = false;
  const had: Title = { ...title, parts: [{ ...part, decision: { allow: true, via: 'unlock', starts_clock: false } }] };
  for (const [now, plays] of [[title, false], [had, true]] as const) {
    const play = vi.fn();
    signed_in = false;
    const unlocking = new Unlocking(ports({ signed_in: () => signed_in, title: () => Promise.resolve(now) }));
    await unlocking.begin(title, part, play);
    expect(unlocking).toMatchObject({ opened: true, step: 'account' });
    signed_in = true;
    await unlocking.signedIn();
    expect(play).toHaveBeenCalledTimes(plays ? 1 : 0);
    expect(unlocking.opened).toBe(!plays);
  }
});

test('any other refusal is told, and a sheet that was left plays nothing', async () => {
  const play = vi.fn();
  const unlocking = new Unlocking(ports({ unlock: refuse({ code: 'WINDOW_CLOSED' }) }));
  await unlocking.begin(title, part, play);
  await unlocking.unlock();
  expect(unlocking.trouble?.code).toBe('WINDOW_CLOSED');
  unlocking.leave();
  expect(unlocking.opened).toBe(false);
  expect(play).not.toHaveBeenCalled();
});
