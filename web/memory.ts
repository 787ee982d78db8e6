// What the browser keeps for the page: the token as long as the tab, the colours
// for good. A browser that keeps nothing is no reason to show nothing.

type Place = "sessionStorage" | "localStorage";

export function remembered(place: Place, name: string): string {
  try {
    return window[place].getItem(name) ?? "";
  } catch {
    return "";
  }
}

export function remember(place: Place, name: string, value: string): void {
  try {
    window[place].setItem(name, value);
  } catch {
    // It is forgotten with the page.
  }
}
