// The operator's console where its lists and figures have to stand still meanwhile.

import { describe } from 'node:test';
import { live } from './console_live.js';
import { tables } from './console_tables.js';

export function figures(world) {
  describe('live', () => live(world));
  describe('tables', () => tables(world));
}
