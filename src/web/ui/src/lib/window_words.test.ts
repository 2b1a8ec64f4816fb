import { describe, expect, test } from 'vitest';
import type { Window } from './api';
import { windowSentence } from './window_words';
import { catalogues, type Locale } from './words';

const SHANGHAI = 'Asia/Shanghai';
const now = new Date('2027-01-01T04:00:00Z');

/** In the zone's own time; Shanghai has no summer time. */
function window(license_type: Window['license_type'], start: string, end: string | null, rest: Partial<Window> = {}): Window {
  const at = (local: string) => new Date(`${local}+08:00`).toISOString();
  return {
    license_type,
    description: null,
    start_at: at(start),
    end_at: end === null ? null : at(end),
    hard_end_at: null,
    zone: SHANGHAI,
    ...rest,
  };
}
const tell = (windows: Window[], locale: Locale, premiere = true, zone?: string) =>
  windowSentence(windows, { now, locale, words: catalogues[locale], sold_as: premiere ? 'premiere' : 'rent', ...(zone ? { zone } : {}) });

const premiere = window('vod', '2026-12-20T20:00', '2027-01-03T20:00');
const members = window('svod', '2027-01-04T00:00', null);

describe('a window in words', () => {
  const cases: [what: string, windows: Window[], zh: string, en: string][] = [
    ['nothing', [], '', ''],
    [
      'a premiere and members after it',
      [premiere, members],
      '云影院首映至1月3日 20:00（北京时间），1月4日起会员免费看',
      'Premiere until 3 Jan, 20:00 (Beijing time), for members from 4 Jan',
    ],
    [
      'the order is that of the starts',
      [members, premiere],
      '云影院首映至1月3日 20:00（北京时间），1月4日起会员免费看',
      'Premiere until 3 Jan, 20:00 (Beijing time), for members from 4 Jan',
    ],
    [
      'an end at midnight is the end of the day before',
      [window('vod', '2026-12-20T00:00', '2027-01-04T00:00')],
      '云影院首映至1月3日 24:00（北京时间）',
      'Premiere through 3 Jan (Beijing time)',
    ],
    ['what is over is not told', [window('vod', '2026-12-01T00:00', '2026-12-31T00:00'), window('avod', '2026-12-01T00:00', null)], '免费观看', 'Free for everyone'],
    [
      'what comes, with its end and another year',
      [window('vod', '2028-03-01T20:00', '2028-03-15T20:00')],
      '2028年3月1日 20:00（北京时间）起云影院首映，至2028年3月15日 20:00',
      'Premiere from 1 Mar 2028, 20:00 (Beijing time) until 15 Mar 2028, 20:00',
    ],
    [
      'members, then free',
      [window('svod', '2026-12-01T00:00', '2027-02-01T00:00'), window('avod', '2027-02-01T00:00', null)],
      '会员免费看至1月31日 24:00（北京时间），2月1日起免费看',
      'For members through 31 Jan (Beijing time), free from 1 Feb',
    ],
    [
      'windows of one kind that touch are one',
      [window('avod', '2026-12-01T00:00', '2027-01-10T00:00'), window('avod', '2027-01-10T00:00', '2027-01-20T12:00')],
      '免费观看至1月20日 12:00（北京时间）',
      'Free until 20 Jan, 12:00 (Beijing time)',
    ],
    [
      'a hard end before the window’s end counts',
      [window('vod', '2026-12-01T00:00', null, { hard_end_at: new Date('2027-01-05T12:00:00Z').toISOString() })],
      '云影院首映至1月5日 20:00（北京时间）',
      'Premiere until 5 Jan, 20:00 (Beijing time)',
    ],
    [
      'each zone is said once',
      [premiere, window('svod', '2027-01-04T08:00', null, { zone: 'Europe/Berlin' })],
      '云影院首映至1月3日 20:00（北京时间），1月4日 01:00（中欧时间）起会员免费看',
      'Premiere until 3 Jan, 20:00 (Beijing time), for members from 4 Jan, 01:00 (Central European Time)',
    ],
  ];
  for (const [what, windows, zh, en] of cases) {
    test(what, () => {
      expect(tell(windows, 'zh-CN')).toBe(zh);
      expect(tell(windows, 'en')).toBe(en);
    });
  }

  test('a series is on episode by episode', () => {
    const telling = { now, locale: 'en', words: catalogues.en, sold_as: 'episode' } as const;
    expect(windowSentence([premiere], telling)).toBe('Episode by episode until 3 Jan, 20:00 (Beijing time)');
  });

  test('what is sold is a rental where it is no premiere', () => {
    expect(tell([premiere], 'en', false)).toBe('To rent until 3 Jan, 20:00 (Beijing time)');
    expect(tell([premiere], 'zh-CN', false)).toBe('单片付费至1月3日 20:00（北京时间）');
  });
  test('it can be told in the viewer’s own zone', () => {
    expect(tell([premiere], 'en', true, 'Europe/Berlin')).toBe('Premiere until 3 Jan, 13:00 (Central European Time)');
  });
  test('a window that opens in this instant is open', () => {
    expect(tell([window('avod', '2027-01-01T12:00', null)], 'en')).toBe('Free for everyone');
    expect(tell([window('avod', '2026-12-01T00:00', '2027-01-01T12:00')], 'en')).toBe('');
  });
});
