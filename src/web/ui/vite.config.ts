import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// The server answers every page of the console with one document; so do `npm run dev` and `npx vite preview`.
const consoleDocument = (request: { url?: string }, _response: unknown, next: () => void) => {
  if (/^\/console(\/|\?|$)/.test(request.url ?? '')) request.url = '/console.html';
  next();
};

export default defineConfig({
  plugins: [
    svelte(),
    {
      name: 'console-document',
      configureServer: ({ middlewares }) => void middlewares.use(consoleDocument),
      configurePreviewServer: ({ middlewares }) => void middlewares.use(consoleDocument),
    },
  ],
  build: {
    target: 'es2022',
    // light-dark() and relative colours are in every browser that the player supports; rewriting them loses the theme.
    cssTarget: ['chrome125', 'firefox128', 'safari18'],
    // Every file is fetched under the page's policy, so nothing is inlined as a data: URL.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    // kit.html is for `npm run dev` alone.
    rollupOptions: { input: { index: 'index.html', console: 'console.html' } },
  },
  // `npm run dev` beside a server that listens on its usual port.
  server: { proxy: { '/api': 'http://127.0.0.1:8080', '/play': 'http://127.0.0.1:8080' } },
  test: { include: ['src/**/*.test.ts'] },
});
