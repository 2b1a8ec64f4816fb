import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Recorder, type Batch } from './recorder';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function recording(answers: ('taken' | 'lost' | 'refused')[] = []) {
  const sent: [string, string[]][] = [];
  const beacons: [string, string[]][] = [];
  const kinds = ({ events }: Batch) => events.map(({ kind }) => kind);
  const recorder = new Recorder({
    send: (id, batch) => {
      sent.push([id, kinds(batch)]);
      return Promise.resolve(answers.shift() ?? 'taken');
    },
    beacon: (id, batch) => void beacons.push([id, kinds(batch)]),
    now: () => Date.now(),
  });
  return { recorder, sent, beacons };
}

test('events from before the session are sent with it, every ten seconds and only if there are any', async () => {
  const { recorder, sent } = recording();
  recorder.record({ kind: 'play_pressed' });
  await vi.advanceTimersByTimeAsync(30_000);
  expect(sent).toEqual([]);
  recorder.open('ses_1');
  recorder.record({ kind: 'first_frame', startup_ms: 300 });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent).toEqual([['ses_1', ['play_pressed', 'first_frame']]]);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(sent.length).toBe(1);
});

test('an event carries the moment it happened, and the batch the moment it was sent', async () => {
  const batches: Batch[] = [];
  const recorder = new Recorder({
    send: (_, batch) => (batches.push(batch), Promise.resolve('taken')),
    beacon: () => undefined,
    now: () => performance.now(),
  });
  recorder.open('ses_1');
  const opened_at = Math.round(performance.now());
  await vi.advanceTimersByTimeAsync(4_000);
  recorder.record({ kind: 'pause' });
  await vi.advanceTimersByTimeAsync(6_000);
  expect(batches).toEqual([{ events: [{ kind: 'pause', at_ms: opened_at + 4_000 }], sent_at_ms: opened_at + 10_000 }]);
});

test('a lost batch goes again, before what came after it', async () => {
  const { recorder, sent } = recording(['lost']);
  recorder.open('ses_1');
  recorder.record({ kind: 'pause' });
  await vi.advanceTimersByTimeAsync(10_000);
  recorder.record({ kind: 'resume' });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent).toEqual([
    ['ses_1', ['pause']],
    ['ses_1', ['pause', 'resume']],
  ]);
});

test('a server that refuses events is asked no more', async () => {
  const { recorder, sent, beacons } = recording(['refused']);
  recorder.open('ses_1');
  recorder.record({ kind: 'pause' });
  await vi.advanceTimersByTimeAsync(10_000);
  recorder.record({ kind: 'resume' });
  await vi.advanceTimersByTimeAsync(20_000);
  recorder.close();
  expect(sent.length).toBe(1);
  expect(beacons).toEqual([]);
});

test('leaving sends the rest by beacon, and nothing after it', async () => {
  const { recorder, sent, beacons } = recording();
  recorder.open('ses_1');
  recorder.record({ kind: 'closed' });
  recorder.close();
  expect(beacons).toEqual([['ses_1', ['closed']]]);
  recorder.record({ kind: 'pause' });
  await vi.advanceTimersByTimeAsync(20_000);
  expect(sent).toEqual([]);
});

test('of too many events the oldest are dropped', async () => {
  const batches: Batch[] = [];
  const recorder = new Recorder({
    send: (_, batch) => (batches.push(batch), Promise.resolve('taken')),
    beacon: () => undefined,
    now: () => 0,
  });
  recorder.open('ses_1');
  for (let i = 0; i < 1_000; i += 1) recorder.record({ kind: 'seek', from_ms: 0, to_ms: i });
  await recorder.flush();
  expect(batches[0]?.events.length).toBe(300);
  expect(batches[0]?.events.at(-1)).toMatchObject({ to_ms: 999 });
});
