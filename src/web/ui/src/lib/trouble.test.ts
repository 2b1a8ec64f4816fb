import { expect, test } from 'vitest';
import { isRefusal, troubleOf } from './http';
import { mayPlayAgain, say } from './trouble';
import { catalogues } from './words';
import * as common from './words/common';
import * as player from './words/player';
import * as storefront from './words/storefront';
import * as trouble from './words/trouble';

const { en, 'zh-CN': zh } = catalogues;

test('a problem is read with its code, words and request id', () => {
  const body = JSON.stringify({ code: 'TOO_MANY_STREAMS', detail: 'one stream', request_id: 'req_1', status: 403 });
  expect(troubleOf(403, body)).toMatchObject({ code: 'TOO_MANY_STREAMS', detail: 'one stream', request_id: 'req_1' });
});

test('what is not a problem is read by its status', () => {
  expect(troubleOf(502, '<html>Bad gateway</html>', 'req_2')).toMatchObject({ code: 'HTTP_502', request_id: 'req_2' });
  expect(troubleOf(404, 'null').code).toBe('NOT_FOUND');
  expect(say(troubleOf(502, ''), en, 'en').what).toBe(en.denial_INTERNAL);
});

test('what may have been done all the same is no refusal', () => {
  const problem = (status: number, code: string) => isRefusal(troubleOf(status, JSON.stringify({ code })));
  expect([problem(409, 'DEAL_REVOKED'), problem(401, 'UNAUTHENTICATED'), problem(499, 'ODD')]).toEqual([true, true, true]);
  expect([problem(500, 'INTERNAL'), problem(503, 'SERVER_DRAINING'), isRefusal({ code: 'NETWORK' }), isRefusal({ code: 'UNKNOWN' })]).toEqual([false, false, false, false]);
});

test('a code that the page does not know is told in the words of its status, else in the server’s own', () => {
  const unknown = troubleOf(401, JSON.stringify({ code: 'TOKEN_ODD', detail: 'odd token' }));
  expect(say(unknown, en, 'en').what).toBe(en.denial_UNAUTHENTICATED);
  expect(say({ code: 'NEW_CODE', detail: 'A new reason.' }, en, 'en').what).toBe('A new reason.');
});

test('a window that is not open says when it opens', () => {
  const said = say(
    { code: 'WINDOW_NOT_OPEN', next: [{ action: 'wait', opens_at: '2026-12-01T00:00:00.000Z' }] },
    zh,
    'zh-CN',
  );
  expect(said.what).toBe(zh.denial_WINDOW_NOT_OPEN);
  expect(said.todo).toContain('2026');
});

test('an episode that is for coins is locked, and says for how many', () => {
  const said = say({ code: 'PAYMENT_REQUIRED', next: [{ action: 'unlock', part: 3, coins: 60 }] }, en, 'en');
  expect(said).toEqual({ what: en.episode_is_locked, todo: en.remedy_unlock(60) });
});

test('Play is offered again only where it may help', () => {
  expect(mayPlayAgain({ code: 'SESSION_EXPIRED' })).toBe(true);
  expect(mayPlayAgain({ code: 'TOKEN_EXPIRED', means: 'SESSION_EXPIRED' })).toBe(true);
  expect(mayPlayAgain({ code: 'GRANT_REVOKED' })).toBe(false);
});

test('one device too many says to sign one out, and Play again once that is done', () => {
  const refused = troubleOf(403, JSON.stringify({ code: 'DEVICE_LIMIT', detail: 'Five devices are registered.', next: [], status: 403 }));
  expect(say(refused, en, 'en')).toEqual({ what: 'This account plays on as many devices as it may already.', todo: 'Sign one of them out under Account, then press Play again.' });
  expect(mayPlayAgain(refused)).toBe(true);
});

test('every language says the same things', () => {
  expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
});

test('no area of the words says what another says already', () => {
  const areas = [common.en, storefront.en, player.en, trouble.en].map((area) => Object.keys(area));
  expect(areas.flat().length).toBe(new Set(areas.flat()).size);
});
