// Storefronts, operators, tokens and the configuration in force.

import type { Localized } from '../../lib/api';
import { operator } from '../api';
import type { Territories } from './catalogue';
import type { PartyBrief } from './operator';

export interface Storefront {
  id: string;
  slug: string;
  name: Localized;
  hosts: string[];
  languages: string[];
  currency: string;
  territories: Territories;
  default_territory: string | null;
  accent: string;
  theme: 'auto' | 'light' | 'dark';
  tagline: Localized;
  is_default: boolean;
  version: number;
}

export type StorefrontEntry = Omit<Storefront, 'id' | 'version'>;

export const roles = ['owner', 'operator', 'finance', 'read_only'] as const;
export type Role = (typeof roles)[number];

export interface Operator {
  id: string;
  name: string;
  email: string;
  role: Role | 'party';
  /** Whose account it is, where it is another party's. */
  party?: PartyBrief | null;
  created_at: string;
  last_seen_at: string | null;
  disabled_at?: string | null;
  disabled?: boolean;
  invited?: boolean;
}

export type Invite = { name: string; email: string } & ({ role: Role } | { role: 'party'; party_id: string });

export interface Link {
  link: string;
  expires_at: string;
}

export interface Token {
  id: string;
  name: string;
  role: Role;
  created_at: string;
  expires_at: string | null;
  last_seen_at?: string | null;
}

export interface Check {
  name: string;
  ok: boolean;
  required: boolean;
  detail?: string | null;
}

export interface Settings {
  config: { key: string; value: unknown; source: 'default' | 'file' | 'environment' | 'flag' }[];
  keys: { id: string; kind: string; created_at: string; age_days: number }[];
  build: { version: string; decoder?: string | null; database?: string | null };
  data: { folder: string; free_bytes: number; used_bytes: number };
  checks: Check[];
}

const segment = encodeURIComponent;

export const house = {
  storefronts(): Promise<Storefront[]> {
    return operator.list('/storefronts');
  },
  createStorefront(body: StorefrontEntry, key: string): Promise<Storefront> {
    return operator.call('POST', '/storefronts', { body, key });
  },
  async editStorefront({ id, version }: Pick<Storefront, 'id' | 'version'>, body: Partial<StorefrontEntry>) {
    const path = `/storefronts/${segment(id)}`;
    return (await operator.exchange<Storefront>('PATCH', path, { body, if_match: `"${version}"` })).body;
  },
  operators(): Promise<Operator[]> {
    return operator.list('/operators');
  },
  invite(body: Invite): Promise<Link & { operator: Operator }> {
    return operator.call('POST', '/operators', { body });
  },
  editOperator(id: string, body: { role?: Role; disabled?: boolean }): Promise<unknown> {
    return operator.call('PATCH', `/operators/${segment(id)}`, { body });
  },
  newLink(id: string): Promise<Link> {
    return operator.call('POST', `/operators/${segment(id)}/link`);
  },
  tokens(): Promise<Token[]> {
    return operator.list('/tokens');
  },
  createToken(body: { name: string; role: Role; expires_in_days: number }): Promise<{ token: Token; secret: string }> {
    return operator.call('POST', '/tokens', { body });
  },
  deleteToken(id: string): Promise<void> {
    return operator.call('DELETE', `/tokens/${segment(id)}`);
  },
  settings(): Promise<Settings> {
    return operator.call('GET', '/settings');
  },
};
