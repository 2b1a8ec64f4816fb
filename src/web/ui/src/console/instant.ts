// A wall clock's reading in a zone, as a datetime-local field has it, and the instant that it names.

const WALL = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)/;

/** How far the zone is ahead of UTC at an instant, in ms. */
function ahead(at_ms: number, zone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  }).formatToParts(at_ms);
  const number = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0);
  const wall = Date.UTC(number('year'), number('month') - 1, number('day'), number('hour'), number('minute'), number('second'));
  return wall - Math.floor(at_ms / 1_000) * 1_000;
}

/** RFC 3339 in UTC; `null` for an empty field. An hour that the clocks skip is taken as the one after. */
export function fromWall(text: string, zone: string): string | null {
  const match = WALL.exec(text);
  if (!match) return null;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0] = match.slice(1).map(Number);
  const wall = Date.UTC(year, month - 1, day, hour, minute);
  const guess = wall - ahead(wall, zone);
  return new Date(wall - ahead(guess, zone)).toISOString();
}

export function toWall(rfc3339: string | null, zone: string): string {
  const at_ms = rfc3339 === null ? NaN : Date.parse(rfc3339);
  return Number.isNaN(at_ms) ? '' : new Date(at_ms + ahead(at_ms, zone)).toISOString().slice(0, 16);
}
