// What operators did, and what was refused: newest first.

import { operator, queryOf, type Page } from '../api';

export interface AuditLine {
  id: string;
  at: string;
  actor: string;
  actor_name: string | null;
  action: string;
  subject: string;
  detail: Record<string, unknown>;
  position: number;
}

export interface AuditFilter {
  actor: string | null;
  action: string | null;
  subject: string | null;
  from: string | null;
  to: string | null;
}

const path = (filter: AuditFilter) => `/audit${queryOf({ ...filter })}`;

export const auditPage = (filter: AuditFilter, cursor: string | null, signal?: AbortSignal): Promise<Page<AuditLine>> =>
  operator.page(path(filter), cursor, signal ? { signal } : {});
export const auditAll = (filter: AuditFilter): Promise<AuditLine[]> => operator.list(path(filter));
