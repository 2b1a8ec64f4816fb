// When the first frame of a film is on the screen.

/** `shown` hears of it once, with the time of `performance.now()`. */
export function firstFrame(video: HTMLVideoElement, start_s: number, shown: (at: number) => void): void {
  const listening = new AbortController();
  const once = (at: number) => {
    if (listening.signal.aborted) return;
    listening.abort();
    shown(at);
  };
  if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback((now) => once(now));
  // A hidden page paints nothing, and some browsers do not tell: there, a film that moves has been seen.
  const moved = () => {
    if (video.currentTime > start_s && !video.seeking) once(performance.now());
  };
  video.addEventListener('timeupdate', moved, { signal: listening.signal });
}
