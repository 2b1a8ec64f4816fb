import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // Every file is fetched under the page's policy, so nothing is inlined as a data: URL.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  // `npm run dev` beside a server that listens on its usual port.
  server: { proxy: { '/api': 'http://127.0.0.1:8080', '/play': 'http://127.0.0.1:8080' } },
  test: { include: ['src/**/*.test.ts'] },
});
