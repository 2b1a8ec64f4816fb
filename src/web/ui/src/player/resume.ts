// Where a viewing goes on: the newest of what this browser and the server know.

/** A position that was kept. */
export interface Place {
  /** Counted from 1. */
  part: number;
  position_ms: number;
  duration_ms: number;
  updated_at: string;
}

export interface Start {
  part: number;
  position_ms: number;
}

/** Nobody wants to resume into the first seconds, nor into the end credits. */
const HEAD_MS = 5_000;
const TAIL = 0.05;
const TAIL_MS_MAX = 300_000;

/** A part is finished in its last twentieth, or in its last five minutes where those are shorter. */
export function isFinished({ position_ms, duration_ms }: Pick<Place, 'position_ms' | 'duration_ms'>): boolean {
  return duration_ms > 0 && position_ms >= duration_ms - Math.min(duration_ms * TAIL, TAIL_MS_MAX);
}

export function newest(one: Place | null, other: Place | null): Place | null {
  if (one === null || other === null) return one ?? other;
  return Date.parse(other.updated_at) > Date.parse(one.updated_at) ? other : one;
}

/** Where Play goes on; `null` is the film's start. A finished part gives way to the next, the last one to the start. */
export function startOf(place: Place | null, parts_count: number): Start | null {
  if (place === null || place.part < 1 || place.part > parts_count) return null;
  if (isFinished(place)) return place.part < parts_count ? { part: place.part + 1, position_ms: 0 } : null;
  if (place.position_ms < HEAD_MS) return place.part > 1 ? { part: place.part, position_ms: 0 } : null;
  return { part: place.part, position_ms: place.position_ms };
}

/** The positions of one viewer in this browser. */
export interface Kept {
  read(title_id: string): Place | null;
  write(title_id: string, place: Place): void;
}

export function keptIn(storage: Pick<Storage, 'getItem' | 'setItem'>, viewer_id: string | null): Kept {
  const key = (title_id: string) => `marquee.resume.${viewer_id ?? 'anyone'}.${title_id}`;
  return {
    read(title_id) {
      try {
        return placeOf(JSON.parse(storage.getItem(key(title_id)) ?? 'null'));
      } catch {
        return null;
      }
    },
    write(title_id, place) {
      try {
        storage.setItem(key(title_id), JSON.stringify(place));
      } catch {
        // A full storage loses a position of this browser; the server still has one.
      }
    },
  };
}

function placeOf(value: unknown): Place | null {
  if (typeof value !== 'object' || value === null) return null;
  const { part, position_ms, duration_ms, updated_at } = value as Record<string, unknown>;
  if (typeof part !== 'number' || typeof position_ms !== 'number' || typeof duration_ms !== 'number') return null;
  if (typeof updated_at !== 'string' || Number.isNaN(Date.parse(updated_at))) return null;
  return { part, position_ms, duration_ms, updated_at };
}
