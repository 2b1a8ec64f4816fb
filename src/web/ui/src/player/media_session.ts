// The system's own media controls: lock screen, headphones, media keys.

export interface NowPlaying {
  title: string;
  artist: string;
  poster_url: string | null;
}

export interface Controls {
  play(): void;
  pause(): void;
  skip(by_s: number): void;
  seek(to_s: number): void;
  stop(): void;
  next: (() => void) | null;
  /** `false` takes the ways to seek away. */
  seekable: boolean;
}

const SKIP_S = 10;

/** Puts the film there, and gives back what takes it away. */
export function nowPlaying({ title, artist, poster_url }: NowPlaying, controls: Controls): () => void {
  const session = navigator.mediaSession as MediaSession | undefined;
  if (!session) return () => undefined;
  const artwork = poster_url === null ? [] : [{ src: new URL(poster_url, location.href).href }];
  session.metadata = new MediaMetadata({ title, artist, artwork });
  const seeking = (handler: MediaSessionActionHandler) => (controls.seekable ? handler : null);
  const handlers: [MediaSessionAction, MediaSessionActionHandler | null][] = [
    ['play', () => controls.play()],
    ['pause', () => controls.pause()],
    ['seekbackward', seeking(({ seekOffset }) => controls.skip(-(seekOffset ?? SKIP_S)))],
    ['seekforward', seeking(({ seekOffset }) => controls.skip(seekOffset ?? SKIP_S))],
    ['seekto', seeking(({ seekTime }) => seekTime !== undefined && controls.seek(seekTime))],
    ['stop', () => controls.stop()],
    ['nexttrack', controls.next],
  ];
  for (const [action, handler] of handlers) handle(session, action, handler);
  return () => {
    for (const [action] of handlers) handle(session, action, null);
    session.metadata = null;
    session.playbackState = 'none';
  };
}

/** Where the film stands, for a seek bar outside the page. */
export function tellPosition(paused: boolean, position_s: number, duration_s: number, rate: number): void {
  const session = navigator.mediaSession as MediaSession | undefined;
  if (!session) return;
  session.playbackState = paused ? 'paused' : 'playing';
  if (duration_s > 0 && position_s <= duration_s) {
    session.setPositionState({ duration: duration_s, position: position_s, playbackRate: rate });
  }
}

function handle(session: MediaSession, action: MediaSessionAction, handler: MediaSessionActionHandler | null): void {
  try {
    session.setActionHandler(action, handler);
  } catch {
    // This browser does not know the action.
  }
}
