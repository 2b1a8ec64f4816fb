// Keeps the screen on while a film plays.

/** Holds the lock, taking it again when the page comes back into sight, until the function it gives back is called. */
export function keepAwake(): () => void {
  let over = false;
  let lock: WakeLockSentinel | null = null;
  const take = async () => {
    if (document.hidden || over || !('wakeLock' in navigator)) return;
    try {
      const taken = await navigator.wakeLock.request('screen');
      if (over) void taken.release();
      else lock = taken;
    } catch {
      // The system saves power: the film plays all the same.
    }
  };
  const seen = () => void take();
  document.addEventListener('visibilitychange', seen);
  void take();
  return () => {
    over = true;
    document.removeEventListener('visibilitychange', seen);
    void lock?.release();
  };
}
