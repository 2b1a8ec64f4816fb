// Texts by language, as the API takes them: a language without a text is left out.

import type { Localized } from '../../lib/api';

export function trimmed(texts: Localized): Localized {
  return Object.fromEntries(
    Object.entries(texts)
      .map(([tag, text]) => [tag, text?.trim() ?? ''] as const)
      .filter(([, text]) => text !== ''),
  );
}

export function isEmpty(texts: Localized): boolean {
  return Object.keys(trimmed(texts)).length === 0;
}
