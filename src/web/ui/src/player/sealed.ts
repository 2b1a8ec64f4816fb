// Films sealed with cbcs, for hls.js: the browser's own ClearKey module opens them with a licence of the session's.

import Hls, {
  type DRMSystemConfiguration, type HlsConfig, type Loader, type LoaderCallbacks, type LoaderConfiguration, type PlaylistLoaderContext,
} from 'hls.js';
import type { Withheld } from './withheld';

const CLEARKEY = 'org.w3.clearkey';
/** The line that hands out the bare key, for players that open a sealed film themselves. */
const PLAIN_KEY = /^#EXT-X-KEY:METHOD=SAMPLE-AES,.*KEYFORMAT="identity".*\n/gm;

/** What hls.js has to know of licences; `url` is the session's multivariant playlist. */
export function licensing(url: string, withheld: Withheld): Partial<HlsConfig> {
  return {
    emeEnabled: true,
    drmSystems: { [CLEARKEY]: { licenseUrl: url.replace(/main\.m3u8$/, 'license/clearkey'), generateRequest } },
    licenseXhrSetup: () => new Promise((resolve) => void withheld.then(resolve)),
    drmSystemOptions: { audioEncryptionScheme: 'cbcs', videoEncryptionScheme: 'cbcs' },
    pLoader: PlaylistLoader,
  };
}

/** Asks for a track's key as soon as its playlist names it, not when its first bytes have come. */
const generateRequest: NonNullable<DRMSystemConfiguration['generateRequest']> = (_type, _data, { decryptdata }) => {
  const key_id = decryptdata.keyId;
  if (!key_id) return undefined;
  const kid = btoa(String.fromCharCode(...key_id)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  const initData = new TextEncoder().encode(JSON.stringify({ kids: [kid] })).buffer;
  return { initDataType: 'keyids', initData };
};

const BaseLoader = Hls.DefaultConfig.loader as new (config: HlsConfig) => Loader<PlaylistLoaderContext>;

/** Where a playlist offers the plain key, hls.js takes it before any other, and then cannot open fragmented MP4 with it. */
class PlaylistLoader extends BaseLoader {
  override load(
    context: PlaylistLoaderContext,
    config: LoaderConfiguration,
    callbacks: LoaderCallbacks<PlaylistLoaderContext>,
  ): void {
    super.load(context, config, {
      ...callbacks,
      onSuccess: (response, ...rest) => {
        if (typeof response.data === 'string') response.data = response.data.replace(PLAIN_KEY, '');
        callbacks.onSuccess(response, ...rest);
      },
    });
  }
}
