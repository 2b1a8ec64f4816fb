// The server's clock, as its answers tell it: windows open by that one, whatever the viewer's own says.

/** `Date` counts whole seconds and an answer takes its time: less than this is no difference. */
const NOISE_MS = 2_000;

class ServerClock {
  /** The server's clock less ours. */
  ahead_ms = 0;

  /** Takes the `Date` of an answer that has just come. */
  hear(date: string | null): void {
    const server_ms = Date.parse(date ?? '');
    if (!Number.isFinite(server_ms)) return;
    const ahead_ms = server_ms + 500 - Date.now();
    this.ahead_ms = Math.abs(ahead_ms) < NOISE_MS ? 0 : ahead_ms;
  }

  now(): Date {
    return new Date(Date.now() + this.ahead_ms);
  }
}

export const serverClock = new ServerClock();
