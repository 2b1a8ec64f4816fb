// The campaign that a visit comes from: `?campaign=` of a link, kept for as long as the tab is.

const KEY = 'campaign';
/** As the server takes it. */
const WORD = /^[A-Za-z0-9._-]{1,64}$/;

/** The word in an address, or what was kept of one before. */
export function campaignOf(search: string, kept: string | null): string | null {
  const word = new URLSearchParams(search).get(KEY);
  return word !== null && WORD.test(word) ? word : kept;
}

/** Read as the page loads: the router changes the address later. */
export function noteCampaign(): void {
  try {
    const word = campaignOf(location.search, null);
    if (word !== null) sessionStorage.setItem(KEY, word);
  } catch {
    // Without storage the campaign is that of the address alone.
  }
}

export function campaign(): string | null {
  try {
    return campaignOf(location.search, sessionStorage.getItem(KEY));
  } catch {
    return campaignOf(location.search, null);
  }
}

/** A link of ours with the campaign of this visit. */
export function withCampaign(url: string, word: string | null = campaign()): string {
  return word === null ? url : `${url}${url.includes('?') ? '&' : '?'}${KEY}=${word}`;
}
