// Files in mode 'update' for the tables of this folder.

import { entry, host, settingsOf } from "./lua.js";

/** 32 bytes, as tsig-keygen makes them. */
export const secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
export const key = `key = { name = 'discd', secret = '${secret}' }`;

/** One link in mode 'update' and the global table. */
export const file = (update: string, keys = "") =>
  `${entry(`mode = 'update', ${keys}`)}\nupdate = { ${update} }`;

/** One link without a subdomain. */
export const unnamed = (update: string, keys = "", top = "") =>
  `${top}\ninterfaces = { { name = 'eth0.10', mode = 'update', ${keys} } }\nupdate = { ${update}, ${key} }`;

/** Two links with one subdomain. */
export const two = (first: string, second: string) => `interfaces = {
  { name = 'eth0.10', subdomain = 'floor1.example', ${first} },
  { name = 'eth0.20', subdomain = 'Floor1.Example', ${second} },
}
update = { ${key} }`;

export const publishedIn = (text: string, on = host) =>
  settingsOf(text, on).settings.engine.links.flatMap(({ published = [] }) => published);
