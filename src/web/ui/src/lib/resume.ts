// Where a viewer stopped, per title, in this browser.

export interface Resume {
  read(title_id: string): number | null;
  write(title_id: string, at_s: number, duration_s: number): void;
  forget(title_id: string): void;
}

/** Nobody wants to resume into the end credits, nor into the first seconds. */
const TAIL = 0.05;
const HEAD_S = 5;

const key = (title_id: string) => `marquee.resume.${title_id}`;

export function resumeIn(storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>): Resume {
  return {
    read(title_id) {
      const at_s = Number(storage.getItem(key(title_id)) ?? NaN);
      return Number.isFinite(at_s) && at_s >= HEAD_S ? at_s : null;
    },
    write(title_id, at_s, duration_s) {
      if (!Number.isFinite(duration_s) || duration_s <= 0 || !Number.isFinite(at_s)) return;
      if (at_s < HEAD_S || at_s >= duration_s * (1 - TAIL)) storage.removeItem(key(title_id));
      else storage.setItem(key(title_id), at_s.toFixed(1));
    },
    forget(title_id) {
      storage.removeItem(key(title_id));
    },
  };
}
