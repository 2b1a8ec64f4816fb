// The zone in which a day begins and instants are shown: of the address, else as it was chosen, else the browser's.

import { route } from './route.svelte';

const STORED_AS = 'marquee.console.zone';
const OFFERED = ['Asia/Shanghai', 'Asia/Hong_Kong', 'Asia/Tokyo', 'Asia/Singapore', 'Europe/Berlin', 'Europe/London',
  'America/New_York', 'America/Los_Angeles', 'UTC'];

export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const own = Intl.DateTimeFormat().resolvedOptions().timeZone;

class Zone {
  #chosen = $state(localStorage.getItem(STORED_AS) ?? own);
  readonly current: string = $derived.by(() => {
    const asked = route.query.get('zone') ?? this.#chosen;
    return isZone(asked) ? asked : own;
  });
  readonly offered: readonly string[] = $derived([...new Set([this.current, own, ...OFFERED])]);

  choose(name: string): void {
    this.#chosen = name;
    if (name === own) localStorage.removeItem(STORED_AS);
    else localStorage.setItem(STORED_AS, name);
    route.query.set({ zone: name === own ? null : name });
  }
}

export const zone = new Zone();

/** Asia/Shanghai as people say it: 北京时间, China Standard Time; with the offset where two say the same. */
export function zoneText(name: string, locale: string, when: Date = new Date()): string {
  const part = (style: 'longGeneric' | 'shortOffset') =>
    new Intl.DateTimeFormat(locale, { timeZone: name, timeZoneName: style })
      .formatToParts(when)
      .find(({ type }) => type === 'timeZoneName')?.value ?? name;
  if (name === 'UTC') return 'UTC';
  return `${name === 'Asia/Shanghai' && locale.startsWith('zh') ? '北京时间' : part('longGeneric')} · ${part('shortOffset')}`;
}
