// The instant and the place that the timeline, the map and the time machine all look at.

const MINUTE_MS = 60_000;

export class Moment {
  /** In milliseconds. */
  at: number = $state(thisMinute());
  territory: string = $state('CN');
  /** Nobody has chosen another moment. */
  is_now = $state(true);

  constructor(territory?: string) {
    if (territory !== undefined) this.territory = territory;
  }

  set(at: number): void {
    this.at = at;
    this.is_now = false;
  }

  now(): void {
    this.at = thisMinute();
    this.is_now = true;
  }
}

/** As fine as a form can say it. */
function thisMinute(): number {
  return Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
}
