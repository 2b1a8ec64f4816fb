// Whether the viewer is busy with the controls, or only watches.

const IDLE_AFTER_MS = 3_000;

export class Idle {
  awake = $state(true);
  #timer: ReturnType<typeof setTimeout> | undefined;

  wake(): void {
    this.awake = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.awake = false), IDLE_AFTER_MS);
  }

  sleep(): void {
    clearTimeout(this.#timer);
    this.awake = false;
  }
}
