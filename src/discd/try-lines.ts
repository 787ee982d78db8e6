// Lines to try, printed by `npm start`: each can be pasted into a shell and is
// answered by the devices of the demo link.

import { formatAddress } from "../address.js";
import { cast } from "../demo/cast.js";
import type { ListenerId } from "../engine/io.js";
import { placeOf } from "../os/listening.js";
import { displayName, formatName, labelText, type Name, under } from "../wire/name.js";

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Where a program on this host asks: 127.0.0.1 where that is served. */
function nearestPlace(listeners: readonly ListenerId[]): Place | undefined {
  const places = listeners
    .filter((id) => id.endsWith("/udp"))
    .flatMap((id) => placeOf(id) ?? [])
    .map(({ address, port }) => ({ host: formatAddress(address), port }));
  return places.find(({ host }) => host === "127.0.0.1") ?? places[0];
}

/** A word for the shell: names hold apostrophes, backslashes and spaces. */
function quoted(text: string): string {
  return /^[\w.:@%/+-]+$/.test(text) ? text : `"${text.replace(/(["$`]|\\(?=["$`\\]))/g, "\\$1")}"`;
}

/** Where discweb is: what a browser opens, or a line for a Unix socket that nothing else serves. */
function pageLine(pages: readonly string[]): string {
  const url = pages.find((one) => /^https?:/.test(one));
  if (url !== undefined) return `Everything on one page: ${url}\n`;
  const [path] = pages;
  if (path === undefined) return "";
  return `Everything at once: curl --unix-socket ${quoted(path)} http://localhost/v1/summary\n`;
}

/**
 * The lines for people.
 *
 * @param zone      apex of the demo link's zone
 * @param listeners as the driver lists them
 * @param pages     where the API and discweb are: URLs, paths of Unix sockets
 */
export function tryLines(
  zone: Name,
  listeners: readonly ListenerId[],
  pages: readonly string[],
): string {
  const place = nearestPlace(listeners);
  // Without a network not even loopback leads anywhere.
  if (place === undefined) return pageLine(pages.filter((one) => one.startsWith("/")));
  const { host, port } = place;
  const dig = (words: string, name: Name, type: string) => {
    const server = port === 53 ? `@${host}` : `@${host} -p ${port}`;
    const shown = quoted(formatName(name).replace(/\.$/, ""));
    return `dig ${server}${words === "" ? "" : ` ${words}`} ${shown} ${type}`;
  };
  const below = (...labels: string[]) => under(labels.map(labelText), zone);
  const [first] = cast;
  const device = first?.device;
  const printer = device?.services[0];
  const lines: (readonly [string, string])[] = [
    ["which types of service there are", dig("", below("_services", "_dns-sd", "_udp"), "PTR")],
    ["the printers", dig("", below("_ipp", "_tcp"), "PTR")],
  ];
  if (device !== undefined && printer !== undefined) {
    const instance = below(printer.instance, ...printer.type.split("."));
    lines.push(["where one of them is", dig("", instance, "SRV")]);
    lines.push(["what it says of itself, over TCP", dig("+tcp", instance, "TXT")]);
    lines.push(["the addresses of its host", dig("", below(device.host), "AAAA")]);
  }
  const visitor = cast.find(({ visits }) => visits !== undefined)?.device.services[0];
  if (visitor !== undefined) {
    const bracketed = host.includes(":") ? `[${host}]` : host;
    const server = port === 53 ? host : quoted(`${bracketed}:${port}`);
    const watch = `browse ${visitor.type} ${quoted(displayName(zone))} --watch`;
    const line = `bin/discli --server ${server} ${watch}`;
    lines.push([`watch for a minute: ${visitor.instance} comes and goes`, line]);
  }
  const shown = lines.map(([what, line]) => `  # ${what}\n  ${line}\n`).join("");
  const title = `discd answers ${displayName(zone)} on ${host} port ${port}.`;
  const page = pageLine(pages);
  return `${title} Try, in another terminal:\n\n${shown}\n${page}Ctrl-C ends it.\n`;
}
