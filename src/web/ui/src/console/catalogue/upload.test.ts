import { expect, test, vi } from 'vitest';

vi.stubGlobal('addEventListener', () => undefined);
vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined });
const { findOpen, fingerprint, kindOf } = await import('./upload.svelte');

const file = { name: 'film.mp4', size: 1000, lastModified: 7 } as File;
const open = { id: 'upl_1', file_name: 'film.mp4', length: 1000, received: 400, created_at: '', kind: 'film' as const, language: null, beside: [] };

test('an upload that this browser began with the file is taken up without asking', () => {
  const remembered = [{ fingerprint: fingerprint(file), upload_id: 'upl_1', title_id: null }];
  expect(findOpen(file, [open], remembered)).toEqual({ kind: 'same', upload: open });
});

test('one of the same name and size may be another film', () => {
  expect(findOpen(file, [open], [])).toEqual({ kind: 'alike', upload: open });
  expect(findOpen(file, [{ ...open, length: 999 }], [])).toEqual({ kind: 'none' });
  const other = [{ fingerprint: 'film.mp4|1000|8', upload_id: 'upl_1', title_id: null }];
  expect(findOpen(file, [open], other).kind).toBe('alike');
});

test('what stands beside a film is told by its name', () => {
  expect(['a.SRT', 'b.zh.vtt', 'c.ttml', 'dub.m4a', 'dub'].map(kindOf)).toEqual(['subtitles', 'subtitles', 'subtitles', 'audio', 'audio']);
});
