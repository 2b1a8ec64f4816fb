// Light or dark: chosen by the viewer, else by the system. `data-theme` on <html> sets `color-scheme` (tokens.css),
// and every colour follows from that.

const STORED_AS = 'marquee.theme';

export const themes = ['auto', 'light', 'dark'] as const;
export type ThemeChoice = (typeof themes)[number];

function stored(): ThemeChoice | null {
  const kept = localStorage.getItem(STORED_AS);
  return themes.find((choice) => choice === kept) ?? null;
}

class Theme {
  #chosen: ThemeChoice | null = $state(stored());
  #house: ThemeChoice = $state('auto');
  readonly current: ThemeChoice = $derived(this.#chosen ?? this.#house);

  constructor() {
    this.#apply();
  }

  choose(choice: ThemeChoice): void {
    this.#chosen = choice;
    localStorage.setItem(STORED_AS, choice);
    this.#apply();
  }

  /** What a brand looks like to whoever has not chosen. */
  suggest(choice: ThemeChoice): void {
    this.#house = choice;
    this.#apply();
  }

  #apply(): void {
    const root = document.documentElement;
    if (this.current === 'auto') root.removeAttribute('data-theme');
    else root.setAttribute('data-theme', this.current);
  }
}

export const theme = new Theme();
