// The page's address and the way between addresses without a reload.

export type Place = { page: 'titles' } | { page: 'watch'; title_id: string } | { page: 'unknown' };

export function placeOf(path: string): Place {
  if (path === '/') return { page: 'titles' };
  const title_id = /^\/watch\/([^/]+)$/.exec(path)?.[1];
  return title_id === undefined ? { page: 'unknown' } : { page: 'watch', title_id: decodeURIComponent(title_id) };
}

class Route {
  place: Place = $state(placeOf(location.pathname));

  constructor() {
    addEventListener('popstate', () => {
      this.place = placeOf(location.pathname);
    });
    // Plain clicks on our own links stay in the page; everything else is the browser's.
    addEventListener('click', (event) => {
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      if (!link || event.defaultPrevented || event.button !== 0) return;
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      if (link.origin !== location.origin || link.target !== '' || link.hasAttribute('download')) return;
      if (link.hash !== '' || placeOf(link.pathname).page === 'unknown') return;
      event.preventDefault();
      this.go(link.pathname);
    });
  }

  go(path: string): void {
    history.pushState(null, '', path);
    this.place = placeOf(path);
    scrollTo(0, 0);
  }
}

export const route = new Route();
export const watchPath = (title_id: string): string => `/watch/${encodeURIComponent(title_id)}`;
