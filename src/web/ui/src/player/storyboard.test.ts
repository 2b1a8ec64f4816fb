import { expect, test } from 'vitest';
import { thumbnailAt, thumbnailsOf } from './storyboard';

const VTT = `WEBVTT

00:00.000 --> 00:10.000
sheet-1.jpg#xywh=0,0,160,90

intro
00:00:10.000 --> 00:00:20.000 align:start
sheet-1.jpg#xywh=160,0,160,90

01:00:00.000 --> 01:00:10.000
/play/x/whole.jpg

NOTE nothing to see
02:00:00.000 --> 02:00:10.000
`;

test('cues become pictures, or parts of pictures', () => {
  const all = thumbnailsOf(VTT, 'https://films.example/play/x/storyboard.vtt');
  expect(all.length).toBe(3);
  expect(thumbnailAt(all, 12)).toEqual({
    start_s: 10,
    end_s: 20,
    url: 'https://films.example/play/x/sheet-1.jpg',
    area: { x: 160, y: 0, width: 160, height: 90 },
  });
  expect(thumbnailAt(all, 3_600)).toMatchObject({ url: 'https://films.example/play/x/whole.jpg', area: null });
  expect(thumbnailAt(all, 30)).toBe(null);
});

test('a file that is none has no pictures', () => {
  expect(thumbnailsOf('<html></html>', 'https://films.example/')).toEqual([]);
});
