// The words of an area, in the chosen language. An area is a file in `words/`: its `en` gives the shape, `zh` follows.
// A page takes its own: `const words = $derived(speak(home))`.

import { language } from '../lib/locale.svelte';
import type { Shape } from '../lib/words/shape';

export function speak<En>(area: { en: En; zh: Shape<NoInfer<En>> }): Shape<En> {
  return language.current === 'zh-CN' ? area.zh : (area.en as unknown as Shape<En>);
}
