// How this browser likes to play: kept across titles.

export const captionSizes = ['s', 'm', 'l', 'xl'] as const;
export type CaptionSize = (typeof captionSizes)[number];
export const rates = [0.5, 0.75, 1, 1.25, 1.5, 2] as const;

interface Kept {
  volume: number;
  muted: boolean;
  /** The language of captions; `null` is none. */
  captions: string | null;
  caption_size: CaptionSize;
  audio: string | null;
  remaining: boolean;
  /** What the last viewing measured; the next one starts at the rung that fits it. */
  bandwidth_bps: number;
}

const STORED_AS = 'marquee.player';
const DEFAULTS: Kept = {
  volume: 1,
  muted: false,
  captions: null,
  caption_size: 'm',
  audio: null,
  remaining: false,
  bandwidth_bps: 4_000_000,
};

class Preferences {
  #kept: Kept = $state(stored());

  get<Name extends keyof Kept>(name: Name): Kept[Name] {
    return this.#kept[name];
  }

  set<Name extends keyof Kept>(name: Name, value: Kept[Name]): void {
    this.#kept[name] = value;
    try {
      localStorage.setItem(STORED_AS, JSON.stringify(this.#kept));
    } catch {
      // It holds for this page at least.
    }
  }
}

function stored(): Kept {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(STORED_AS) ?? '{}');
    const known = { ...DEFAULTS, ...(typeof kept === 'object' ? (kept as Partial<Kept>) : {}) };
    return { ...known, volume: Math.min(1, Math.max(0, Number(known.volume) || 0)) };
  } catch {
    return { ...DEFAULTS };
  }
}

export const preferences = new Preferences();
