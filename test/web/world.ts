// What a large site looks like to the page, made from a seed: links, zones and
// services as the API tells them, with the names that devices really have and
// those that somebody hostile would take.

export interface Thing {
  readonly [key: string]: unknown;
}

export interface ServiceBody extends Thing {
  readonly id: string;
  readonly instance: string;
  readonly type: string;
  readonly link: string;
}

/** Names in several scripts and directions, and names that want to be something else. */
export const strangeNames = [
  "<script>document.title='taken'</script>",
  "<img src=x onerror=\"document.title='taken'\">",
  "'; touch /tmp/taken; echo '",
  "$(touch /tmp/taken) `touch /tmp/taken`",
  "--help",
  "Dr. Smith's Printer \\ 3rd floor",
  "プリンター 三階",
  "طابعة الطابق الثالث",
  "מדפסת קומה 3",
  "Принтер в коридоре",
  "เครื่องพิมพ์ ชั้น ๓",
  "प्रिंटर तीसरी मंज़िल",
  "打印机🖨️ 三楼",
  "right\u202eotfel dna\u202c left",
  "two\nlines\u0007 and a bell",
  "a".repeat(63),
] as const;

const types = [
  ["_ipp._tcp", "Printer"],
  ["_airplay._tcp", "Room"],
  ["_googlecast._tcp", "Screen"],
  ["_ssh._tcp", "build"],
  ["_smb._tcp", "Files"],
  ["_http._tcp", "Sensor"],
  ["_scanner._tcp", "Scanner"],
  ["_raop._tcp", "Speaker"],
  ["_hap._tcp", "Lamp"],
  ["_axis-video._tcp", "Camera"],
  ["_x-plant-control._udp", "Controller"],
  ["_workstation._tcp", "desk"],
] as const;

/** The bytes of one label as zone files spell them. */
function escapedLabel(label: string): string {
  return [...Buffer.from(label)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      if (/[.\\"();@$]/.test(character)) return `\\${character}`;
      return byte > 0x20 && byte < 0x7f ? character : `\\${String(byte).padStart(3, "0")}`;
    })
    .join("");
}

export function service(
  at: number,
  instance: string,
  type: string,
  link: string,
  more: Thing = {},
): ServiceBody {
  const domain = `${link === "eth0" ? "Building 1" : link}.example.com`;
  const [zone = ""] = domain.split(".");
  const host = `host-${at}.${domain}`;
  const below = `${type}.${escapedLabel(zone)}.example.com`;
  return {
    id: `${link}/${at}`,
    instance,
    type,
    domain,
    link,
    name: `${instance.replace(/[.\\]/g, "\\$&")}.${type}.${domain}`,
    escaped: `${escapedLabel(instance)}.${below}`,
    host,
    hostEscaped: `host-${at}.${escapedLabel(zone)}.example.com`,
    port: 631 + (at % 9),
    addresses: [
      `10.${link.length}.${at >> 8}.${at & 255}`,
      `2001:db8:${link.length}::${at.toString(16)}`,
    ],
    txt: [
      { key: "txtvers", value: "1", isBinary: false },
      { key: "ty", value: `Model ${at % 40} <b>bold</b>`, isBinary: false },
      { key: "note", value: `Room ${100 + (at % 300)}`, isBinary: false },
      { key: "Color", value: null, isBinary: false },
      { key: "id", value: null, isBinary: true, base64: "AP8QIED+" },
      { key: "adminurl", value: "javascript:document.title='taken'", isBinary: false },
    ],
    ttlSeconds: 4500,
    subtypes: type === "_ipp._tcp" ? ["_universal"] : [],
    isShown: at % 97 !== 5,
    ...(at % 97 === 5 ? { reason: "rule 3 of link floor2 denies _ssh._tcp" } : {}),
    ...more,
  };
}

const links = ["eth0", "floor2", "floor3.40", "lab"] as const;

/** The first names are the strange ones, the rest plain. */
export function services(count: number): ServiceBody[] {
  return Array.from({ length: count }, (_, at) => {
    const [type, word] = types[(at * 7) % types.length] as (typeof types)[number];
    const link = links[at % links.length] as string;
    const plain = `${word} ${String(at).padStart(4, "0")}`;
    return service(at, strangeNames[at] ?? plain, type, link);
  });
}

export function interfaces(all: readonly ServiceBody[], seconds = 0): Thing[] {
  return links.map((name, at) => ({
    name,
    index: name === "lab" ? null : at + 2,
    flags: name === "lab" ? [] : ["up", "multicast"],
    mtu: name === "lab" ? null : 1500,
    vlan: name === "floor3.40" ? 40 : null,
    reverse: [`${at + 1}.10.in-addr.arpa`],
    isUp: name !== "lab",
    mode: name === "floor3.40" ? "update" : "proxy",
    families: ["ipv4", "ipv6"],
    addresses:
      name === "lab"
        ? []
        : [`10.${at + 1}.0.1/16`, `2001:db8:${at + 1}::1/64`, `fe80::5054:ff:fe12:${at}a01/64`],
    zones: [`${name === "eth0" ? "Building 1" : name}.example.com`, `${at + 1}.10.in-addr.arpa`],
    services: all.filter(({ link }) => link === name).length,
    records: 1200 * (at + 1),
    questions: 14 - at,
    mdns: {
      // The sum of 3 + at packets a second that swell and ebb.
      in:
        name === "lab"
          ? 5000
          : Math.round(seconds * (3 + at) - 15 * Math.cos(seconds / 9 + at)) + 5000,
      out: name === "lab" ? 300 : Math.round(seconds * 0.4) + 300,
      inPerMinute: name === "lab" ? 0 : 180 + 40 * at,
      outPerMinute: name === "lab" ? 0 : 24,
    },
    lastHeardSeconds: name === "lab" ? null : at * 2,
    hasQuerier: name === "lab" ? null : at !== 1,
    querierNote: name === "lab" ? "it is too early to tell" : null,
    problems:
      at === 1
        ? ["no IGMP querier heard: a switch with snooping will cut this link off in a few minutes"]
        : [],
  }));
}

export function summary(count: number, seconds = 0): Thing {
  return {
    version: "0.1.0",
    hostname: "px.example.com",
    startedAt: "2026-11-18T06:12:00Z",
    uptimeSeconds: 300_000,
    links: 4,
    zones: 9,
    services: count,
    queries: { total: 123_456, perSecond: 42 + 18 * Math.sin(seconds / 11) },
    mdns: { in: 1, out: 1, perSecond: 12 },
    cache: { hits: 9000, misses: 300 },
    push: { sessions: 31, subscriptions: 118 },
    llq: 4,
    health: "ok",
    reload: null,
    problems: [],
  };
}

const ago = (at: number) => 20 + at * 37;

/** Bodies of the other lists, by path. */
export function lists(): Record<string, Thing> {
  const question = (at: number) => {
    const [type] = types[at % types.length] as (typeof types)[number];
    const name = `${type}.Building 1.example.com`;
    return { name, escaped: name.replace(" ", "\\032"), type: "PTR" };
  };
  return {
    "/v1/hosts": {
      hosts: Array.from({ length: 60 }, (_, at) => ({
        id: `h${at}`,
        name: `host-${at}.Building 1.example.com`,
        escaped: `host-${at}.Building\\0321.example.com`,
        link: links[at % 3],
        addresses: [`10.1.0.${at + 2}`, `2001:db8:1::${at + 2}`],
        lastHeardSeconds: ago(at),
        mdns: { queriesIn: at * 3, responsesIn: at, queriesOut: 0, responsesOut: at % 2 },
      })),
    },
    "/v1/zones": {
      zones: ["service", "host", "reverse", "alias", "published"].map((kind, at) => ({
        zone: `${kind}.example.com`,
        escaped: `${kind}.example.com`,
        kind,
        link: at === 2 ? null : links[at % 3],
        index: at === 2 ? null : 2 + (at % 3),
        source: at === 1 ? "ptr" : "config",
        learned:
          at === 1
            ? {
                record: "lb._dns-sd._udp.0.0.2.10.in-addr.arpa",
                domainPtr: true,
                nsActive: true,
                netRevAddr: true,
                browseable: true,
                refreshedSeconds: 40,
                timesOutSeconds: 560,
              }
            : null,
        queries: 1000 * at,
      })),
    },
    "/v1/domains": {
      domains: ["b", "db", "lb", "r", "dr"].map((kind) => ({
        link: "eth0",
        kind,
        domain: "Building 1.example.com",
      })),
      known: [
        {
          link: "floor2",
          domain: "example.com",
          viaHostname: true,
          viaResolvConf: true,
          viaAddressPtr: false,
          browseable: true,
          refreshedSeconds: 12,
          timesOutSeconds: 588,
        },
      ],
    },
    "/v1/subscriptions": {
      subscriptions: Array.from({ length: 40 }, (_, at) => ({
        id: `s${at}`,
        client: `10.9.0.${at + 2}`,
        protocol: at % 10 === 0 ? "llq" : "push",
        transport: at % 10 === 0 ? "udp" : "tls",
        question: question(at),
        link: links[at % 3],
        records: at % 12,
        ageSeconds: ago(at),
        ...(at % 10 === 0 ? { expiresInSeconds: 3600 - at } : {}),
      })),
    },
    "/v1/questions": {
      questions: Array.from({ length: 24 }, (_, at) => ({
        id: `q${at}`,
        link: links[at % 3],
        ...question(at),
        watches: 1 + (at % 5),
        ageSeconds: at === 3 ? null : ago(at),
      })),
    },
    "/v1/updates": {
      updates: [
        {
          subdomain: "floor3.40.example.com",
          source: "config",
          zone: "example.com",
          server: "ns.example.com 10.9.0.53:53",
          step: "idle",
          transport: "tcp",
          lifetime: "timeout",
          wanted: 480,
          published: 480,
          waiting: 0,
          aside: 0,
          serial: 2026112101,
          trouble: null,
          clockOffset: 0.4,
        },
        {
          subdomain: "floor4.example.com",
          source: "generated",
          zone: null,
          server: null,
          step: "finding the primary",
          transport: null,
          lifetime: null,
          wanted: 0,
          published: 0,
          waiting: 0,
          aside: 0,
          serial: null,
          trouble: "example.com answers REFUSED: the key floor4. is not known there",
          clockOffset: null,
        },
      ],
    },
    "/healthz": {
      ok: true,
      reasons: [],
      warnings: [],
      listeners: [
        { name: "127.0.0.1:53/udp", ok: true, askedSecondsAgo: 1 },
        { name: "10.8.0.53:53/udp", ok: true, askedSecondsAgo: 1 },
      ],
      links: [],
      zones: [],
    },
  };
}

/** The n-th packet of a link that is asked for printers. */
export function packet(at: number, more: Thing = {}): Thing {
  const isResponse = at % 3 !== 0;
  const name = `Printer ${at}._ipp._tcp.local`;
  return {
    at: new Date(Date.UTC(2026, 10, 21, 20, 0, at)).toISOString(),
    link: links[at % 3],
    direction: at % 7 === 0 ? "out" : "in",
    source: at % 7 === 0 ? "" : `10.1.0.${2 + (at % 200)}:5353`,
    isResponse,
    isWhole: at % 11 !== 10,
    questions: isResponse
      ? []
      : [{ name: "_ipp._tcp.local", escaped: "_ipp._tcp.local", type: "PTR", isQu: at % 2 === 0 }],
    answers: isResponse ? [`_ipp._tcp.local. 4500 IN PTR ${name.replace(" ", "\\032")}.`] : [],
    authorities: [],
    additionals: isResponse
      ? [`${name.replace(" ", "\\032")}. 120 IN SRV 0 0 631 host-${at}.local. ; cache-flush`]
      : [],
    ...more,
  };
}

export const metrics = `# HELP discd_queries_total Queries of clients.
# TYPE discd_queries_total counter
discd_queries_total{transport="udp",type="PTR",rcode="NOERROR",zone="floor2.example.com"} 12345
# HELP discd_query_seconds From a query to its answer.
# TYPE discd_query_seconds histogram
discd_query_seconds_bucket{le="0.001"} 4
discd_query_seconds_sum 1.5
discd_query_seconds_count 8
`;
