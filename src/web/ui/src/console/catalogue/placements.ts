// What of a title's placements no clean edit answers.

import type { CleanEdit, Placement } from '../api/catalogue';
import type { PlacementBlocks } from '../api/placements';
import { contains, territories } from '../entry/territory';

export interface Uncovered {
  part: number;
  category: Placement['category'];
  /** Where the part is not played. */
  codes: string[];
}

export function uncovered(placements: readonly Placement[], edits: readonly CleanEdit[], { blocks }: Pick<PlacementBlocks, 'blocks'>): Uncovered[] {
  const found = new Map<string, Uncovered>();
  for (const { part, category } of placements) {
    const block = blocks.find((each) => each.category === category);
    const own = edits.filter((edit) => edit.part === part);
    if (!block || own.some((edit) => edit.categories.includes(category))) continue;
    const answered = (code: string) => own.some((edit) => edit.territories !== null && contains(edit.territories, code));
    const codes = territories.filter((code) => contains(block.territories, code) && !answered(code));
    if (codes.length > 0) found.set(`${part} ${category}`, { part, category, codes });
  }
  return [...found.values()];
}
