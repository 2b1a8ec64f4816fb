import { expect, test } from 'vitest';
import { commandOf, SHORTCUTS, type Command, type Focus, type KeyPress } from './keys';

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({
  key,
  code: '',
  shiftKey: false,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  repeat: false,
  ...more,
});

test.each<[string, KeyPress, Command]>([
  ['Space', press(' '), { do: 'toggle' }],
  ['k', press('k'), { do: 'toggle' }],
  ['K with caps lock', press('K'), { do: 'toggle' }],
  ['left', press('ArrowLeft'), { do: 'skip', by_s: -5 }],
  ['right', press('ArrowRight'), { do: 'skip', by_s: 5 }],
  ['j', press('j'), { do: 'skip', by_s: -10 }],
  ['l', press('l'), { do: 'skip', by_s: 10 }],
  ['up', press('ArrowUp'), { do: 'volume', by: 0.05 }],
  ['0', press('0'), { do: 'seek', to: 0 }],
  ['7', press('7'), { do: 'seek', to: 0.7 }],
  ['<', press('<', { shiftKey: true }), { do: 'speed', step: -1 }],
  ['>', press('>', { shiftKey: true }), { do: 'speed', step: 1 }],
  ['Shift+N', press('N', { shiftKey: true }), { do: 'next_part' }],
  ['?', press('?', { shiftKey: true }), { do: 'shortcuts' }],
  ['k under an input method', press('Process', { code: 'KeyK' }), { do: 'toggle' }],
  ['5 under an input method', press('Process', { code: 'Digit5' }), { do: 'seek', to: 0.5 }],
])('%s', (_, key, command) => {
  expect(commandOf(key, 'page')).toEqual(command);
});

test.each<[string, KeyPress, Focus]>([
  ['typing', press('k'), 'taken'],
  ['a button’s Space', press(' '), 'button'],
  ['a slider’s arrow', press('ArrowLeft'), 'slider'],
  ['a slider’s Home', press('Home'), 'slider'],
  ['the browser’s Ctrl+F', press('f', { ctrlKey: true }), 'page'],
  ['the browser’s Alt+Left', press('ArrowLeft', { altKey: true }), 'page'],
  ['the system’s Cmd+M', press('m', { metaKey: true }), 'page'],
  ['a held toggle', press('k', { repeat: true }), 'page'],
  ['n alone', press('n'), 'page'],
  ['Tab', press('Tab'), 'page'],
  ['Escape', press('Escape'), 'page'],
])('%s is not stolen', (_, key, focus) => {
  expect(commandOf(key, focus)).toBe(null);
});

test('a slider and a button leave the other keys to the player', () => {
  expect(commandOf(press('k'), 'slider')).toEqual({ do: 'toggle' });
  expect(commandOf(press('ArrowLeft'), 'button')).toEqual({ do: 'skip', by_s: -5 });
  expect(commandOf(press('ArrowLeft', { repeat: true }), 'page')).toEqual({ do: 'skip', by_s: -5 });
});

test('the sheet lists every command once', () => {
  expect(new Set(SHORTCUTS.map(({ word }) => word)).size).toBe(SHORTCUTS.length);
});
