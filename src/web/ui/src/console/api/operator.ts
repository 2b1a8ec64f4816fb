// Who operates: signing in, the one-time link, the operator's own entry.

import { call } from '../../lib/http';
import { operator } from '../api';
import type { PartyKind } from './partners';

export const roles = ['owner', 'operator', 'finance', 'read_only', 'party'] as const;
/** `party` is an account of another party, which sees only its own. */
export type Role = (typeof roles)[number];

export interface PartyBrief {
  id: string;
  name: string;
  kind: PartyKind;
}

export interface Operator {
  id: string;
  name: string;
  /** None for the server's own operator. */
  email: string | null;
  role: Role;
  /** Whose account it is, where it is another party's. */
  party?: PartyBrief | null;
  created_at: string;
  last_seen_at: string | null;
}

export interface OperatorMe {
  operator: Operator | null;
  livemode: boolean;
  owner_exists: boolean;
  version: string;
}

export interface Invitation {
  /** `invite` lets in an operator who is there already, also after a lost password. */
  kind: 'owner' | 'invite';
  role: Role;
  party?: PartyBrief | null;
  email: string | null;
  name?: string | null;
  expires_at: string;
}

export interface Welcome {
  token: string;
  email: string;
  name: string;
  password: string;
}

// A 401 here is an answer, not the end of a session: these do not go through `operator.call`.
export const me = (): Promise<OperatorMe> => call('GET', '/operator/me');
export const checkLink = (token: string): Promise<Invitation> => call('POST', '/operator/welcome/check', { body: { token } });
export const acceptLink = (body: Welcome): Promise<{ operator: Operator }> => call('POST', '/operator/welcome', { body });
export const signIn = (body: { email: string; password: string }): Promise<{ operator: Operator }> =>
  call('POST', '/operator/sign-in', { body });
export const signOut = (): Promise<void> => operator.call('POST', '/sign-out');
