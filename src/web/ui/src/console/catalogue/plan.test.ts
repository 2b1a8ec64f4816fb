import { expect, test } from 'vitest';
import type { Avail, AvailEntry } from '../api/catalogue';
import { changeOf } from './plan';

const entry: AvailEntry = {
  license_type: 'svod', description: null, territories: { include: ['CN'], exclude: [] }, zone: 'Asia/Shanghai',
  start_at: '2027-02-01T16:00:00.250Z', end_at: null, hard_end_at: null, languages: { allow: ['zh:dub'] }, format_profile: 'hd',
};
const avail: Avail = { ...entry, id: 'avl_1', title_id: 'ttl_1' };

test('a window that is not there yet is made', () => {
  expect(changeOf(null, entry)).toEqual({ new_avails: [entry] });
});

test('a window is moved by its times, and by its languages and definition only where they were changed', () => {
  const times = { id: 'avl_1', start_at: '2027-02-02T16:00:00Z', end_at: null, hard_end_at: null };
  expect(changeOf(avail, { ...entry, start_at: '2027-02-02T16:00:00Z' })).toEqual({ moved_avails: [times] });
  const kept = { ...times, start_at: '2027-02-01T16:00:00.250Z' };
  expect(changeOf(avail, { ...entry, languages: null })).toEqual({ moved_avails: [{ ...kept, languages: null }] });
  expect(changeOf(avail, { ...entry, format_profile: 'uhd' })).toEqual({ moved_avails: [{ ...kept, format_profile: 'uhd' }] });
});

test('a window that is only looked at changes nothing', () => {
  expect(changeOf(avail, { ...entry, languages: { allow: ['zh:dub'] } })).toBeNull();
});
