// Something asked of the server. What `ask` reads before it first waits is followed: when it changes, it is asked again,
// and the answer to the earlier question is dropped. The last value stays in sight meanwhile.
//
// For a component's script: `const rows = new Asked((signal) => sessions(route.query.get('status'), signal))`.

import { troubleIn, type Trouble } from '../lib/http';

export class Asked<Value> {
  value: Value | null = $state.raw(null);
  trouble: Trouble | null = $state.raw(null);
  busy = $state(true);
  /** When the value came. */
  at: Date | null = $state.raw(null);
  #round = $state(0);

  constructor(ask: (signal: AbortSignal) => Promise<Value>) {
    $effect(() => {
      void this.#round;
      const abort = new AbortController();
      this.busy = true;
      ask(abort.signal).then(
        (value) => {
          if (abort.signal.aborted) return;
          this.value = value;
          this.at = new Date();
          this.trouble = null;
          this.busy = false;
        },
        (error: unknown) => {
          if (abort.signal.aborted) return;
          this.trouble = troubleIn(error);
          this.busy = false;
        },
      );
      return () => abort.abort();
    });
  }

  again(): void {
    this.#round += 1;
  }
}
