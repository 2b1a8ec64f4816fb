// What each role may do. The server decides; what is shown follows this.

import type { Role } from './api/operator';

/** What an action or a page needs of a role; `party` is for accounts of other parties, which have no other page. */
export type Need = 'read' | 'operate' | 'money' | 'own' | 'party';

const ROLES: Record<Need, readonly Role[]> = {
  read: ['owner', 'operator', 'finance', 'read_only'],
  operate: ['owner', 'operator'],
  money: ['owner', 'finance'],
  own: ['owner'],
  party: ['party'],
};

export function mayRole(role: Role, need: Need): boolean {
  return ROLES[need].includes(role);
}
