// Single keys: `/` search, `?` sheet, `g` and a letter to go, `j` and `k` along rows. They can be turned off (WCAG 2.1.4)
// and never act while something is typed, while a dialog is open, or with a modifier.

import { route } from './route.svelte';
import { me } from './me.svelte';
import { paths, type Page, type PageName } from './routes';

const STORED_AS = 'marquee.console.keys';
const SEQUENCE_MS_MAX = 1_500;

class Keys {
  on = $state(localStorage.getItem(STORED_AS) !== 'off');
  sheet = $state(false);
  #go_until = 0;

  choose(on: boolean): void {
    this.on = on;
    if (on) localStorage.removeItem(STORED_AS);
    else localStorage.setItem(STORED_AS, 'off');
  }

  pressed(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || event.isComposing) return;
    if (!this.on || me.state !== 'in' || typing(event.target) || document.querySelector('dialog:modal')) return;
    if (this.#act(event.key, event.timeStamp)) event.preventDefault();
  }

  #act(key: string, now: number): boolean {
    if (now < this.#go_until) {
      this.#go_until = 0;
      return go(key);
    }
    switch (key) {
      case 'g':
        this.#go_until = now + SEQUENCE_MS_MAX;
        return true;
      case '?':
        this.sheet = true;
        return true;
      case '/':
        return search();
      case 'j':
        return row(1);
      case 'k':
        return row(-1);
      default:
        return false;
    }
  }
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'));
}

function go(key: string): boolean {
  const found = (Object.entries(me.pages) as [PageName, Page][]).find(([, page]) => page.key === key && me.may(page.need));
  if (found === undefined) return false;
  route.go(paths[found[0]]);
  return true;
}

function search(): boolean {
  const field = document.querySelector<HTMLInputElement>('main [data-search] input, main input[type="search"]');
  field?.focus();
  field?.select();
  return field !== null;
}

/** Rows are whatever has `data-row`: a table's rows, and links in a list. A table alone would do this by itself. */
function row(step: 1 | -1): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')];
  const now = rows.findIndex((each) => each.contains(document.activeElement));
  const next = rows[Math.max(0, Math.min(rows.length - 1, now + step))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
  return next !== undefined;
}

export const keys = new Keys();
