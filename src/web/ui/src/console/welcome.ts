// What is checked before it is sent, and where one goes afterwards.

import type { Shape } from '../lib/words/shape';
import type { en } from './words/welcome';

export const PASSWORD_LETTERS_MIN = 8;

/** Only to a page of the console: the address came with a link that anybody may have made. */
export function backTo(address: string | null): string {
  return address !== null && /^\/console(\/[^/\\]|\?|$)/.test(address) && !address.startsWith('/console/sign-in') ? address : '/console';
}

export interface Entry {
  name: string;
  email: string;
  password: string;
}

export function wrongIn(entry: Entry, words: Shape<typeof en>): Partial<Entry> {
  const wrong: Partial<Entry> = {};
  if (entry.name.trim() === '') wrong.name = words.name_missing;
  if (!/^[^\s@]+@[^\s@]+$/.test(entry.email.trim())) wrong.email = words.email_wrong;
  if ([...entry.password].length < PASSWORD_LETTERS_MIN) wrong.password = words.password_short;
  return wrong;
}
