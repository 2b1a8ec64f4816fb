// What a screen on a wall needs besides the figures: a clock, room for its chart, and not to fall asleep.

export class WallClock {
  now: Date = $state.raw(new Date());
  /** The height of the chart: what the other rows leave of the screen. */
  chart_px = $state(240);
  /** And of its type. */
  type_px = $state(12);

  /** Starts, and gives back what ends it. */
  start(): () => void {
    const fit = () => {
      const unit = Math.min(innerWidth / 100, (1.78 * innerHeight) / 100);
      this.chart_px = innerWidth < 960 ? 220 : Math.round(Math.max(160, unit * 17));
      this.type_px = innerWidth < 960 ? 12 : Math.round(Math.max(12, unit * 1.15));
    };
    fit();
    addEventListener('resize', fit);
    const ticking = setInterval(() => (this.now = new Date()), 1_000);
    return () => {
      removeEventListener('resize', fit);
      clearInterval(ticking);
    };
  }
}

/** Keeps the screen on while the page is seen; a browser lets go of it whenever the page is hidden. */
export function keepAwake(): () => void {
  let lock: WakeLockSentinel | null = null;
  let over = false;
  const hold = async () => {
    if (document.hidden || !('wakeLock' in navigator)) return;
    try {
      lock = await navigator.wakeLock.request('screen');
      if (over) void lock.release();
    } catch {
      // Not a secure origin, or the battery is low: the screen follows the system.
    }
  };
  void hold();
  document.addEventListener('visibilitychange', hold);
  return () => {
    over = true;
    document.removeEventListener('visibilitychange', hold);
    void lock?.release();
  };
}
