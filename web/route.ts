// Where the reader is, in the address after the #, so that a page can be kept as
// a bookmark and sent to somebody: `#services?type=_ipp._tcp&q=floor`.

export interface Route {
  readonly page: string;
  readonly choices: URLSearchParams;
}

export function readRoute(hash: string): Route {
  const [page = "", query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { page: page === "" ? "overview" : page, choices: new URLSearchParams(query) };
}

/** An address with some choices set, or taken away by an empty text. */
export function routeTo(page: string, choices: Readonly<Record<string, string>> = {}): string {
  const kept = new URLSearchParams(Object.entries(choices).filter(([, value]) => value !== ""));
  const query = kept.toString();
  return `#${page}${query === "" ? "" : `?${query}`}`;
}

/** Selected where nothing is to be told, not even of the list as a whole. */
export const nothing = "none";

/** Changes some choices of where the reader is, without a step in the browser's history. */
export function choose(choices: Readonly<Record<string, string>>): void {
  const { page, choices: had } = readRoute(location.hash);
  const all = { ...Object.fromEntries(had), ...choices };
  history.replaceState(null, "", routeTo(page, all));
  dispatchEvent(new HashChangeEvent("hashchange"));
}
