// Round numbers for an axis.

/** A few round values from 0 (or below) to at least the largest, evenly spaced; what is counted has no steps below 1. */
export function ticks(lowest: number, highest: number, steps_max = 4, step_min = 0): number[] {
  const low = Math.min(0, Number.isFinite(lowest) ? lowest : 0);
  const top = Math.max(0, Number.isFinite(highest) ? highest : 0);
  // Nothing but zeros still has an axis.
  const high = top === low ? 1 : top;
  const span = high - low;
  const rough = span / steps_max;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(step_min, ([1, 2, 5, 10].find((factor) => factor * power >= rough - power * 1e-9) ?? 10) * power);
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Which of `length` evenly spread labels to write so that no two touch. */
export function everyNth(length: number, width_px: number, label_px: number): number {
  return Math.max(1, Math.ceil((length * label_px) / Math.max(1, width_px)));
}
