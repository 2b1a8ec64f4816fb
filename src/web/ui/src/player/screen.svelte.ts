// Full screen and picture-in-picture: what is on, and what this browser has.

/** A phone of Apple's has neither for an element of the page, only a full screen of its own for the video. */
interface AppleVideo extends HTMLVideoElement {
  webkitEnterFullscreen?: () => void;
}

export class Screen {
  fullscreen = $state(false);
  pip = $state(false);
  readonly hasPip = 'pictureInPictureEnabled' in document && document.pictureInPictureEnabled;
  #stage: HTMLElement | null = null;
  #video: AppleVideo | null = null;

  follow(stage: HTMLElement, video: HTMLVideoElement): () => void {
    this.#stage = stage;
    this.#video = video;
    const listening = new AbortController();
    const { signal } = listening;
    document.addEventListener('fullscreenchange', () => (this.fullscreen = document.fullscreenElement === stage), { signal });
    video.addEventListener('enterpictureinpicture', () => (this.pip = true), { signal });
    video.addEventListener('leavepictureinpicture', () => (this.pip = false), { signal });
    return () => {
      listening.abort();
      this.leave();
    };
  }

  get hasFullscreen(): boolean {
    return document.fullscreenEnabled || this.#video?.webkitEnterFullscreen !== undefined;
  }

  async toggleFullscreen(): Promise<void> {
    if (document.fullscreenElement) return document.exitFullscreen();
    if (!document.fullscreenEnabled) return this.#video?.webkitEnterFullscreen?.();
    await this.#stage?.requestFullscreen({ navigationUI: 'hide' });
    // Only a phone has an orientation to hold, and not every phone lets us.
    const { orientation } = screen as { orientation?: { lock?: (to: string) => Promise<void> } };
    await orientation?.lock?.('landscape').catch(() => undefined);
  }

  async togglePip(): Promise<void> {
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await this.#video?.requestPictureInPicture();
  }

  /** The film is over: nothing of it stays on the screen. */
  leave(): void {
    if (document.fullscreenElement && document.fullscreenElement === this.#stage) void document.exitFullscreen();
    if (document.pictureInPictureElement && document.pictureInPictureElement === this.#video) {
      void document.exitPictureInPicture();
    }
  }
}
