// What each key does while the player is on. Typing, menus, sliders and dialogs keep theirs.

export type Command =
  | { do: 'toggle' | 'mute' | 'fullscreen' | 'captions' | 'pip' | 'next_part' | 'shortcuts' }
  | { do: 'skip'; by_s: number }
  | { do: 'seek'; to: number }
  | { do: 'volume'; by: number }
  | { do: 'speed'; step: 1 | -1 };

export type KeyPress = Pick<KeyboardEvent, 'key' | 'code' | 'shiftKey' | 'ctrlKey' | 'altKey' | 'metaKey' | 'repeat'>;

/** What has the focus, as far as keys are concerned. */
export type Focus = 'page' | 'button' | 'slider' | 'taken';

const FIELD = 'input:not([type=range]), textarea, select, [contenteditable], [contenteditable] *';

export function focusOf(target: EventTarget | null): Focus {
  if (!(target instanceof Element)) return 'page';
  if (target.closest(`${FIELD}, dialog, [role=dialog], [role=menu]`)) return 'taken';
  if (target.closest('[role=slider], input[type=range]')) return 'slider';
  return target.closest('button, a, summary, [role=button], [role=tab]') ? 'button' : 'page';
}

const SLIDER_KEYS = new Set(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown']);
/** Holding these down repeats them; holding the others down would flicker. */
const REPEATING = new Set<Command['do']>(['skip', 'volume']);

export function commandOf(press: KeyPress, focus: Focus): Command | null {
  if (focus === 'taken' || press.ctrlKey || press.altKey || press.metaKey) return null;
  const key = keyOf(press);
  if (focus === 'slider' && SLIDER_KEYS.has(key)) return null;
  // A button that has the focus is what Space presses.
  if (focus === 'button' && key === ' ') return null;
  const command = bound(key, press.shiftKey);
  return command && press.repeat && !REPEATING.has(command.do) ? null : command;
}

/** An input method that is on hides the key; its place on the keyboard still tells it. */
function keyOf({ key, code }: KeyPress): string {
  if (key !== 'Process' && key !== 'Unidentified') return key;
  if (code === 'Space') return ' ';
  return /^(?:Key|Digit)(.)$/.exec(code)?.[1] ?? code;
}

function bound(key: string, shift: boolean): Command | null {
  if (/^[0-9]$/.test(key) && !shift) return { do: 'seek', to: Number(key) / 10 };
  switch (key) {
    case 'ArrowLeft':
      return shift ? null : { do: 'skip', by_s: -5 };
    case 'ArrowRight':
      return shift ? null : { do: 'skip', by_s: 5 };
    case 'ArrowUp':
      return shift ? null : { do: 'volume', by: 0.05 };
    case 'ArrowDown':
      return shift ? null : { do: 'volume', by: -0.05 };
    case '<':
      return { do: 'speed', step: -1 };
    case '>':
      return { do: 'speed', step: 1 };
    case '?':
      return { do: 'shortcuts' };
  }
  if (shift) return key.toLowerCase() === 'n' ? { do: 'next_part' } : null;
  switch (key.toLowerCase()) {
    case ' ':
    case 'k':
      return { do: 'toggle' };
    case 'j':
      return { do: 'skip', by_s: -10 };
    case 'l':
      return { do: 'skip', by_s: 10 };
    case 'm':
      return { do: 'mute' };
    case 'f':
      return { do: 'fullscreen' };
    case 'c':
      return { do: 'captions' };
    case 'p':
      return { do: 'pip' };
    default:
      return null;
  }
}

/** The sheet of shortcuts, in the order it is read. */
export const SHORTCUTS = [
  { keys: ['Space', 'K'], word: 'key_toggle' },
  { keys: ['←', '→'], word: 'key_skip_5' },
  { keys: ['J', 'L'], word: 'key_skip_10' },
  { keys: ['0', '–', '9'], word: 'key_seek' },
  { keys: ['↑', '↓'], word: 'key_volume' },
  { keys: ['M'], word: 'key_mute' },
  { keys: ['C'], word: 'key_captions' },
  { keys: ['<', '>'], word: 'key_speed' },
  { keys: ['F'], word: 'key_fullscreen' },
  { keys: ['P'], word: 'key_pip' },
  { keys: ['Shift', 'N'], word: 'key_next_part' },
  { keys: ['?'], word: 'key_shortcuts' },
] as const;
