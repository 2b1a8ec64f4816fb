// What there is to choose from: rungs of quality, languages of sound, captions. A stream fills it in and is told choices.

export interface Rung {
  /** The stream's own number of it. */
  id: number;
  width: number;
  height: number;
  bitrate_bps: number;
}

export interface Language {
  id: number;
  /** BCP 47; 'und' where nobody said. */
  tag: string;
  /** The publisher's own name for it. */
  name: string;
}

/** What a stream does when something is chosen. `null` is automatic, or off. */
export interface Chooser {
  rung(id: number | null): void;
  audio(id: number): void;
  captions(id: number | null): void;
}

export class Tracks {
  rungs: readonly Rung[] = $state.raw([]);
  /** `null` is automatic. */
  rung_chosen: number | null = $state(null);
  rung_playing: Rung | null = $state.raw(null);
  audio: readonly Language[] = $state.raw([]);
  audio_chosen: number | null = $state(null);
  captions: readonly Language[] = $state.raw([]);
  /** `null` is off. */
  captions_chosen: number | null = $state(null);

  #chooser: Chooser | null = null;

  filledBy(chooser: Chooser): void {
    this.#chooser = chooser;
  }

  chooseRung(id: number | null): void {
    this.rung_chosen = id;
    this.#chooser?.rung(id);
  }

  chooseAudio(id: number): void {
    this.audio_chosen = id;
    this.#chooser?.audio(id);
  }

  chooseCaptions(id: number | null): void {
    this.captions_chosen = id;
    this.#chooser?.captions(id);
  }

  clear(): void {
    this.#chooser = null;
    this.rungs = [];
    this.rung_chosen = null;
    this.rung_playing = null;
    this.audio = [];
    this.audio_chosen = null;
    this.captions = [];
    this.captions_chosen = null;
  }
}
