// The small pictures of the seek bar: a WebVTT file whose cues name a picture, or a part of one (`#xywh=`, Media
// Fragments URI 1.0).

export interface Thumbnail {
  start_s: number;
  end_s: number;
  url: string;
  /** The part of the picture, in its pixels; the whole of it where absent. */
  area: { x: number; y: number; width: number; height: number } | null;
}

const TIMING = /^((?:\d+:)?\d{2}:\d{2}\.\d{3})[ \t]+-->[ \t]+((?:\d+:)?\d{2}:\d{2}\.\d{3})/;
const AREA = /[#&]xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)/;

/** `base` is the file's own address, which the pictures' are relative to. Cues that name no picture are left out. */
export function thumbnailsOf(vtt: string, base: string): Thumbnail[] {
  const lines = vtt.split(/\r\n|\r|\n/);
  return lines.flatMap((line, at) => {
    const timing = TIMING.exec(line);
    const target = lines[at + 1]?.trim() ?? '';
    if (!timing || target === '' || !URL.canParse(target, base)) return [];
    const url = new URL(target, base);
    const [, x, y, width, height] = AREA.exec(url.hash)?.map(Number) ?? [];
    url.hash = '';
    const area = width && height ? { x: x ?? 0, y: y ?? 0, width, height } : null;
    return [{ start_s: seconds(timing[1] ?? ''), end_s: seconds(timing[2] ?? ''), url: url.href, area }];
  });
}

export function thumbnailAt(thumbnails: readonly Thumbnail[], at_s: number): Thumbnail | null {
  return thumbnails.findLast(({ start_s, end_s }) => start_s <= at_s && at_s < end_s) ?? null;
}

function seconds(timestamp: string): number {
  return timestamp.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}
