// Wall-clock entries in a named zone, and the instants they are. `<input type="datetime-local">` has no zone of its own.

export type Local =
  | { ok: true; at: string; /** The clock shows this twice that night; the first is meant. */ twice: boolean }
  | { ok: false; why: 'empty' | 'not_a_time' | 'skipped' };

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string): Intl.DateTimeFormat {
  let known = formats.get(zone);
  if (!known) {
    known = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formats.set(zone, known);
  }
  return known;
}

/** The wall clock of a zone at an instant, as if it were UTC. */
function wallMs(utc_ms: number, zone: string): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of format(zone).formatToParts(utc_ms)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((utc_ms % 1000) + 1000) % 1000);
}

/** The same for the marks and steps of a scale, with its way back: where the clocks skip a reading it stays as it is. */
export const wallOf = (zone: string) => (utc_ms: number): number => wallMs(utc_ms, zone);
export const instantOf = (zone: string) => (wall_ms: number): number => {
  const local = fromLocal(new Date(wall_ms).toISOString().slice(0, 19), zone);
  return local.ok ? Date.parse(local.at) : wall_ms;
};

/** `2026-12-01T20:00` in the zone, for an input; seconds only where there are any. */
export function toLocal(at: string | null | undefined, zone: string): string {
  if (!at) return '';
  const text = new Date(wallMs(new Date(at).getTime(), zone)).toISOString();
  return text.slice(17, 19) === '00' ? text.slice(0, 16) : text.slice(0, 19);
}

export function fromLocal(text: string, zone: string): Local {
  if (text === '') return { ok: false, why: 'empty' };
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text)) return { ok: false, why: 'not_a_time' };
  const wall = Date.parse(`${text}Z`);
  if (Number.isNaN(wall)) return { ok: false, why: 'not_a_time' };
  // The offsets before and after the day: no zone changes twice within it.
  const day_ms = 86_400_000;
  const offsets = new Set([wall - day_ms, wall, wall + day_ms].map((ms) => wallMs(ms, zone) - ms));
  const found = [...offsets]
    .map((offset) => wall - offset)
    .filter((ms) => wallMs(ms, zone) === wall)
    .sort((a, b) => a - b);
  const first = found[0];
  if (first === undefined) return { ok: false, why: 'skipped' };
  return { ok: true, at: new Date(first).toISOString(), twice: found.length > 1 };
}

export function ownZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** +08:00 */
export function offsetText(zone: string, at: string | Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(new Date(at));
  const text = parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
  return text.replace('GMT', 'UTC').replace(/^UTC[+-]00:00$/, 'UTC');
}

/** The zones that windows are agreed in most, the operator's own first; any other IANA zone can be typed. */
export function zones(used: string): string[] {
  const common = ['Asia/Shanghai', 'Asia/Hong_Kong', 'Asia/Taipei', 'Asia/Tokyo', 'Asia/Seoul', 'Asia/Singapore', 'Europe/London', 'Europe/Berlin', 'America/New_York', 'America/Los_Angeles', 'Australia/Sydney', 'UTC'];
  return [...new Set([used, ownZone(), ...common])];
}
