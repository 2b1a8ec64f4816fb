// Every word of the storefront, in each language. An area is a file in `words/`: its `en` gives the shape, and a `zh`
// that lacks a key, or has one too many, does not pass the type check.

import * as account from './words/account';
import * as checkout from './words/checkout';
import * as common from './words/common';
import * as player from './words/player';
import * as products from './words/products';
import type { Locale, Shape } from './words/shape';
import * as storefront from './words/storefront';
import * as trouble from './words/trouble';
import * as windows from './words/windows';

const en = {
  ...common.en,
  ...storefront.en,
  ...windows.en,
  ...checkout.en,
  ...account.en,
  ...player.en,
  ...products.en,
  ...trouble.en,
};

export type Words = Shape<typeof en>;
export type CommonWords = Shape<typeof common.en>;
export type TroubleWords = Shape<typeof trouble.en>;
export type WindowWords = Shape<typeof windows.en>;

export const catalogues: Record<Locale, Words> = {
  'zh-CN': {
    ...common.zh,
    ...storefront.zh,
    ...windows.zh,
    ...checkout.zh,
    ...account.zh,
    ...player.zh,
    ...products.zh,
    ...trouble.zh,
  },
  en,
};
export { localeNames, locales, type Locale } from './words/shape';
