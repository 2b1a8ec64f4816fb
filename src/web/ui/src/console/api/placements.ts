// Where a category of product placements may not be shown.

import { operator } from '../api';
import type { Placement, Territories } from './catalogue';

export interface PlacementBlocks {
  version: number;
  blocks: { category: Placement['category']; territories: Territories }[];
}

export const placements = {
  blocks(): Promise<PlacementBlocks> {
    return operator.call('GET', '/placement-blocks');
  },
  /** The whole list, of the version that was seen. */
  setBlocks(body: PlacementBlocks): Promise<PlacementBlocks> {
    return operator.call('PUT', '/placement-blocks', { body });
  },
};
