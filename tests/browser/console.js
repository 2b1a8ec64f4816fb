// The operator's console.

import { describe } from 'node:test';
import { live } from './console_live.js';
import { night } from './console_night.js';
import { roles } from './console_roles.js';
import { consoleScreens } from './console_screens.js';
import { tables } from './console_tables.js';

export function operatorConsole(world) {
  describe('night', () => night(world));
  describe('roles', () => roles(world));
  describe('live', () => live(world));
  describe('tables', () => tables(world));
  describe('looks', () => consoleScreens(world));
}
