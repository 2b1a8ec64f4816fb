// What a code means to an operator: what happened and what to do, in words.

import type { Trouble } from '../lib/http';
import { speak } from './speak';
import * as words from './words/trouble';

export interface Said {
  what: string;
  /** '' where there is nothing to add. */
  todo: string;
}

/** A code without words of its own is told in the server's, which name the field or the row. */
export function sayTo({ code, means, detail }: Trouble): Said {
  const said = speak(words) as unknown as Record<string, string | undefined>;
  const known = [code, means].find((each) => each !== undefined && said[`what_${each}`] !== undefined);
  if (known !== undefined) return { what: said[`what_${known}`] ?? '', todo: said[`todo_${known}`] ?? '' };
  return { what: detail ?? said.what_UNKNOWN ?? code, todo: said.todo_UNKNOWN ?? '' };
}
