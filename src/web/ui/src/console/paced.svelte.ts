/** A value that follows another at a pace: at once, then at most every `pace_ms`, and never misses the last. */
export function paced<Value>(read: () => Value, pace_ms: number): { readonly value: Value } {
  let value = $state.raw(read());
  let last_ms = 0;
  $effect(() => {
    const next = read();
    if (next === value) return;
    const timer = setTimeout(
      () => {
        last_ms = Date.now();
        value = next;
      },
      Math.max(0, last_ms + pace_ms - Date.now()),
    );
    return () => clearTimeout(timer);
  });
  return {
    get value() {
      return value;
    },
  };
}
