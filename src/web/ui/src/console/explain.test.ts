import { expect, test } from 'vitest';
import type { Explanation, Step } from './api/explain';
import { decidingStep, factsOf, sayStep } from './explain';
import { en } from './words/explain';

const step = (check: Step['check'], outcome: Step['outcome'], code: string | null = null, facts = {}): Step => ({
  check, outcome, code, says: '', facts,
});
const answer = (over: Partial<Explanation>): Explanation => ({
  allow: false, code: null, via: null, rule: '', at: '', territory: null, steps: [], next: [], ...over,
});

test('a denial comes from the last step that failed with its code', () => {
  const steps = [step('grant', 'fail', 'PAYMENT_REQUIRED'), step('membership', 'fail', 'MEMBERSHIP_REQUIRED'), step('window', 'skip')];
  expect(decidingStep(answer({ code: 'PAYMENT_REQUIRED', steps }))?.check).toBe('grant');
  expect(decidingStep(answer({ code: 'OTHER', steps }))).toBeNull();
});

test('a permission comes from the right that is used', () => {
  const steps = [step('title', 'pass'), step('membership', 'pass'), step('streams', 'pass')];
  expect(decidingStep(answer({ allow: true, via: 'membership', steps }))?.check).toBe('membership');
});

test('a partner’s viewer watches by the deal', () => {
  const steps = [step('title', 'pass'), step('deal', 'pass')];
  expect(decidingStep(answer({ allow: true, via: 'partner', steps }))?.check).toBe('deal');
});

test('an episode that is free, or was unlocked, decides as an episode', () => {
  const steps = [step('title', 'pass'), step('episode', 'pass'), step('window', 'pass')];
  expect(decidingStep(answer({ allow: true, via: 'unlock', steps }))?.check).toBe('episode');
  expect(decidingStep(answer({ allow: true, via: 'free', steps }))?.check).toBe('episode');
});

test('facts are told as what they are, each window on a line of its own', () => {
  const facts = {
    purchase_id: 'pur_1', ends_at: '2026-11-23T16:00:00.000Z', in_use: 1, none: null,
    windows: [{ avail_id: 'avl_1', is_open: false, end_at: null }, { avail_id: 'avl_2', is_open: true }],
  };
  const told = factsOf(step('grant', 'pass', null, facts), en, 'en', 'UTC');
  expect(told.map((line) => line.map(({ name, text }) => `${name} ${text}`))).toEqual([
    ['Order pur_1', 'May watch until 23 Nov 2026, 16:00 UTC', 'in_use 1'],
    ['Window avl_1', 'Open then no'],
    ['Window avl_2', 'Open then yes'],
  ]);
  expect(told[0]?.[0]?.href).toBe('/console/orders/pur_1');
});

test('a step says what it found, in the words of its case', () => {
  const say = (...args: Parameters<typeof step>) => sayStep(step(...args), en, 'en');
  expect(say('grant', 'fail', null, { wanted: 'running', grants: [] })).toBe('The viewer has not bought this title.');
  expect(say('grant', 'fail', null, { wanted: 'running', grants: [{}] })).toBe('No purchase has a viewing period that runs.');
  expect(say('grant', 'fail', 'GRANT_REVOKED', { grant: {} })).toBe('The right was taken back.');
  expect(say('membership', 'fail', null, { membership_id: null })).toBe('The viewer is not a member at that time.');
  expect(say('episode', 'pass', null, { part: 1, unlocked: [3] })).toBe('The episode is free.');
  expect(say('episode', 'pass', null, { part: 3, unlocked: [3] })).toBe('The viewer has unlocked the episode.');
  expect(say('episode', 'fail', null, { part: 4, unlocked: [3] })).toBe('The viewer has not unlocked the episode.');
  expect(say('episode', 'pass')).toBe('It was opened as an episode that was unlocked.');
  expect(say('window', 'fail', 'WINDOW_NOT_OPEN')).toBe('The window has not opened.');
  expect(say('streams', 'pass', null, { streams: 0 })).toBe('Streams are not counted for this right.');
  expect(say('licence', 'fail', null, { state: 'origin_unknown' })).toContain('Nobody has said where it was made');
  expect(say('devices', 'pass', null, { registered: null, limit: null })).toBe('Devices are not counted for this right.');
  expect(say('devices', 'pass', null, { registered: null, limit: 5 })).toBe('Up to 5 for the account, counted when a session opens.');
  expect(say('devices', 'pass', null, { registered: 4, limit: 5 })).toBe('The account has 4 of 5 devices: there is room for another one.');
  expect(say('devices', 'pass', null, { registered: 5, limit: 5 })).toBe('The account has 5 of 5 devices: on another one it plays as it does for anybody.');
  expect(say('devices', 'fail', 'DEVICE_LIMIT', { registered: 5, limit: 5 })).toBe('The account has 5 of 5 devices: those play, and no other until one is signed out.');
  expect(say('licence', 'pass', null, { state: 'not_applicable' })).toBe('No release licence is asked for there.');
  expect(say('licence', 'pass', null, { state: 'licensed' })).toBe('Its release licence is in order.');
  expect(say('licence', 'fail', null, { state: 'ordinary' })).toBe('It is declared ordinary: it may be shown free of charge only.');
  expect(say('licence', 'fail', 'LICENCE_REVOKED', { state: 'revoked' })).toBe('Its release licence was revoked.');
  expect(say('deal', 'pass', null, { deal_id: 'del_1' })).toBe('The partner’s deal covers the territory, and its word still holds.');
  expect(say('languages', 'pass', null, { caps: null })).toBe('Nothing of the film is kept back.');
  expect(say('languages', 'fail', 'LANGUAGE_HELD_BACK', { caps: {} })).toBe('None of the languages that the film is heard in may be heard under this window.');
  const kept = step('languages', 'pass', null, { sound: ['en', null], caps: { languages: { allow: ['zh:sub', '*:dub'] }, format_profile: 'hd' } });
  expect(factsOf(kept, en, 'en', 'UTC').map((line) => line.map(({ name, text }) => `${name}: ${text}`))).toEqual([
    ['Heard in: en, und', 'Only languages: zh:sub, *:dub', 'Tallest picture: HD'],
  ]);
  expect(say('window', 'skip')).toBe('Not looked at: an earlier check has decided.');
});
