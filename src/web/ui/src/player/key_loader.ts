// How hls.js fetches: as it always does, but a key is not asked for while it is withheld.

import Hls, { type HlsConfig, type Loader, type LoaderCallbacks, type LoaderConfiguration, type LoaderContext } from 'hls.js';
import type { Withheld } from './withheld';

const BaseLoader = Hls.DefaultConfig.loader as new (config: HlsConfig) => Loader<LoaderContext>;

export function keyLoader(withheld: Withheld): new (config: HlsConfig) => Loader<LoaderContext> {
  return class extends BaseLoader {
    #aborted: (() => void) | null = null;
    #callOff: () => void = () => undefined;

    override load(context: LoaderContext, config: LoaderConfiguration, callbacks: LoaderCallbacks<LoaderContext>): void {
      if (!('keyInfo' in context)) return super.load(context, config, callbacks);
      // hls.js waits for the end of what it has begun, also of what has not been sent.
      this.#aborted = () => callbacks.onAbort?.(this.stats, context, null);
      this.#callOff = withheld.then(() => {
        this.#aborted = null;
        super.load(context, config, callbacks);
      });
    }

    override abort(): void {
      this.#callOff();
      const aborted = this.#aborted;
      this.#aborted = null;
      if (aborted) aborted();
      else super.abort();
    }

    override destroy(): void {
      this.#callOff();
      this.#aborted = null;
      super.destroy();
    }
  };
}
