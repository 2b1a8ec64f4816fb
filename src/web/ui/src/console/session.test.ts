import { expect, test } from 'vitest';
import type { Session } from './api/sessions';
import { mayRole } from './roles';
import { matches, placeName, type SessionFilter } from './session';

const row: Session = {
  id: 'ses_1', viewer_id: 'vwr_1', title_id: 'ttl_1', part: 1, via: 'grant', opened_at: '', expires_at: '', ends_at: null,
  qoe: { startup_ms: 600, rebuffer_ms: 0, stalls: 0, watched_ms: 0, errors: [], rung_now: null },
};
const filter = (over: Partial<SessionFilter> = {}): SessionFilter => ({ text: null, via: null, quality: null, title_id: null, ...over });
const passes = (over: Partial<SessionFilter>, of: Session = row) => matches(of, filter(over), 'Ann@example.com Echo');

test('text is looked for in what is shown and in the ids', () => {
  expect(passes({ text: 'ann@' })).toBe(true);
  expect(passes({ text: 'SES_1' })).toBe(true);
  expect(passes({ text: 'other' })).toBe(false);
});

test('quality that is not known is neither smooth nor in trouble', () => {
  expect(passes({ quality: 'smooth' })).toBe(true);
  const { qoe: _, ...unknown } = row;
  expect(passes({ quality: 'smooth' }, unknown)).toBe(false);
  expect(passes({ quality: 'trouble' }, unknown)).toBe(false);
});

test('a territory has a name, and an unknown code stays', () => {
  expect(placeName('CN', 'zh-CN')).toBe('中国');
  expect(placeName('??', 'en')).toBe('??');
  expect(placeName(null, 'en')).toBeNull();
});

test('roles reach as far as the server lets them', () => {
  expect(mayRole('operator', 'operate')).toBe(true);
  expect(mayRole('operator', 'money')).toBe(false);
  expect(mayRole('finance', 'money')).toBe(true);
  expect(mayRole('finance', 'operate')).toBe(false);
  expect(mayRole('read_only', 'read')).toBe(true);
  expect(mayRole('owner', 'own')).toBe(true);
});
