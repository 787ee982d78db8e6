// Certificates in files: what is taken, what is refused and in which words, and
// what tells that files have changed.

import { execFileSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { expect, test } from "vitest";
import {
  certificateFileMax,
  certificatesMax,
  type Flaw,
  readCertificate,
  stampOf,
} from "../../src/os/certificate.js";
import { makeSelfSigned } from "../../src/os/self-signed.js";
import { below, seededRandom } from "../../src/random.js";
import { day, folder, type Issued, issue, issueChain, newKey, noon } from "./authority.js";

const host = "px.example.com";
const zone = "floor1.example.com";
const { root, middle, leaf } = issueChain([host, zone], { usage: "serverAuth" });

/** Reads `crt`, `key` and, where given, `chain`, all of them texts. */
async function reading(
  texts: { crt?: string | Uint8Array; key?: string; chain?: string },
  expected: readonly string[] = [host, zone],
  now = noon,
) {
  const place = folder();
  const files = {
    crt: place.write("crt", texts.crt ?? leaf.pem + middle.pem),
    key: place.write("key", texts.key ?? leaf.key),
    ...(texts.chain === undefined ? {} : { chain: place.write("chain", texts.chain) }),
  };
  const found = await readCertificate(files, expected, now);
  const said = found.flaws.map(
    ({ part, weight, text }) => `${weight} ${part}: ${text.replaceAll(`${place.path}/`, "")}`,
  );
  return { ...found, said };
}

/** The subjects of what would be sent. */
function sent(cert: string | undefined): string[] {
  const blocks = cert?.match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block).subject.replace("CN=", ""));
}

test("[TLS-05] a certificate with its intermediate in one file", async () => {
  const { certificate, said } = await reading({});
  expect(said).toEqual([]);
  expect(sent(certificate?.credentials.cert)).toEqual(["server", "Test Middle"]);
  expect(certificate?.credentials.names).toEqual([host, zone]);
  expect(certificate?.credentials.key).toBe(leaf.key);
  expect(certificate?.fingerprint).toBe(new X509Certificate(leaf.pem).fingerprint256);
  expect(certificate).toMatchObject({ notBefore: noon - day, notAfter: noon + 90 * day });
});

test("[TLS-05] intermediates in a file of their own, the root with them", async () => {
  const { certificate, said } = await reading({ crt: leaf.pem, chain: middle.pem + root.pem });
  expect(said).toEqual([]);
  expect(sent(certificate?.credentials.cert)).toEqual(["server", "Test Middle", "Test Root"]);
});

test("a wildcard covers names one label below it", async () => {
  const { certificate, said } = await reading(chainFor(["*.example.com"]));
  expect(said).toEqual([]);
  expect(certificate?.credentials.names).toEqual(["*.example.com"]);
});

test("comments between the certificates, CRLF and a key in the same file", async () => {
  const crt = `subject=server\n${leaf.pem}${leaf.key}issuer=x\n${middle.pem}`.replaceAll(
    "\n",
    "\r\n",
  );
  const { certificate, said } = await reading({ crt, key: crt });
  expect(said).toEqual([]);
  expect(sent(certificate?.credentials.cert)).toEqual(["server", "Test Middle"]);
});

/** The files of a certificate that differs in one thing. */
function chainFor(names: readonly string[] | undefined, more: object = {}) {
  const wish = { name: "server", issuer: middle, ...(names === undefined ? {} : { names }) };
  const one = issue({ ...wish, ...more });
  return { crt: one.pem + middle.pem, key: one.key };
}

const encrypted = (type: "pkcs1" | "pkcs8") =>
  generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
    type,
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "x",
  }) as string;

const short = generateKeyPairSync("rsa", { modulusLength: 512 }).privateKey;
const der = new X509Certificate(leaf.pem).raw;
const broken = leaf.pem.replace(/\n.{20}/, "\nAAAAAAAAAAAAAAAAAAAA");
const shortKey = short.export({ type: "pkcs8", format: "pem" }) as string;

/** Files, and what is said of them: the whole of it. */
const refused: readonly (readonly [string, Parameters<typeof reading>[0], string])[] = [
  ["nothing", { crt: "" }, "crt: crt: holds no certificate in PEM form; it has to begin with"],
  ["a key for a certificate", { crt: leaf.key }, "crt: crt: holds no certificate in PEM form"],
  ["DER", { crt: der }, "crt: crt: is DER, not PEM; convert it with openssl x509 -inform DER"],
  ["half a certificate", { crt: leaf.pem.slice(0, 300) }, "crt: crt: holds no certificate in PEM"],
  ["broken bytes", { crt: broken }, "crt: crt: certificate 1 of the file cannot be decoded: "],
  ["no chain in the chain", { chain: "" }, "chain: chain: holds no certificate in PEM form; "],
  ["no key", { key: leaf.pem }, "key: key: holds no private key in PEM form; it has to hold"],
  ["half a key", { key: leaf.key.slice(0, 100) }, "key: key: cannot be decoded: "],
  ["a key with a password", { key: encrypted("pkcs8") }, "key: key: is encrypted, and discd has"],
  ["the same, older", { key: encrypted("pkcs1") }, "key: key: is encrypted, and discd has nobody"],
  ["another key", { key: newKey() }, "key: key: is not the key of the certificate in crt; name"],
  [
    "the issuer first",
    { crt: middle.pem + leaf.pem },
    "crt: crt: the key is that of certificate 2",
  ],
  ["no names [TLS-05]", chainFor(undefined), `crt: crt: names no host in subjectAltName, and`],
  [
    "too short a key",
    chainFor([host, zone], { key: shortKey }),
    "crt: crt: is refused by OpenSSL: ",
  ],
  [
    "a bundle",
    { chain: middle.pem.repeat(certificatesMax + 1) },
    "chain: chain: holds 21 certificates, more than the 20 allowed; leave",
  ],
  ["a large file", { crt: "x".repeat(certificateFileMax + 1) }, "crt: crt: is larger than 131072"],
];

test.each(refused)("refused: %s", async (_, texts, words) => {
  const { certificate, said } = await reading(texts);
  expect(certificate).toBeUndefined();
  expect(said).toHaveLength(1);
  expect(said[0]).toContain(`refused ${words}`);
  expect(said[0]).toMatch(/; |: /);
  expect(said[0]).not.toMatch(/error:|\n/);
});

const late = { until: noon - day };
const early = { from: noon + day };
const wrongUse = { usage: "clientAuth" };
const other = issue({ name: "Other", isAuthority: true });
const impostor = issue({ name: "Test Middle", isAuthority: true });

/** Files that are used, and everything that is said of them. */
const doubtful: readonly (readonly [string, Parameters<typeof reading>[0], string])[] = [
  [
    "expired",
    chainFor([host, zone], late),
    "grave crt: crt: expired on 2026-06-14; it is used, but",
  ],
  [
    "too early",
    chainFor([host, zone], early),
    "grave crt: crt: is not valid before 2026-06-16; it",
  ],
  [
    "for clients",
    chainFor([host, zone], wrongUse),
    "grave crt: crt: is not meant for a server, and",
  ],
  ["zone missing [TLS-06]", chainFor([host]), `doubtful crt: crt: does not name ${zone}; clients`],
  ["host missing [TLS-06]", chainFor([zone]), `doubtful crt: crt: does not name ${host}; clients`],
  [
    "no chain",
    { crt: leaf.pem },
    'doubtful crt: crt: lacks the certificate of its issuer "Test Mid',
  ],
  [
    "a stranger in the chain",
    { crt: leaf.pem + middle.pem + other.pem },
    'doubtful crt: crt: "Other" is no part of the chain and is not sent; take it out',
  ],
  [
    "an authority of the issuer's name and another key",
    { crt: leaf.pem + impostor.pem + middle.pem },
    'doubtful crt: crt: "Test Middle" is no part of the chain and is not sent; take it out',
  ],
  [
    "the wrong order",
    { crt: leaf.pem, chain: root.pem + middle.pem },
    "doubtful chain: chain: is not in order; it is sent in order: put each certificate before",
  ],
];

test.each(doubtful)("used, and said: %s", async (_, texts, words) => {
  const { certificate, said } = await reading(texts);
  expect(said).toHaveLength(1);
  expect(said[0]).toContain(words);
  const order = ["server", "Test Middle", "Test Root"];
  const got = sent(certificate?.credentials.cert);
  expect(got.length).toBeGreaterThan(0);
  expect(got).toEqual(order.slice(0, got.length));
});

test("of many missing names the first few are told", async () => {
  const zones = Array.from({ length: 40 }, (_, at) => `floor${at}.example.com`);
  const { said } = await reading(chainFor([host]), [host, ...zones]);
  expect(said[0]).toContain("floor4.example.com and 35 more; clients");
});

test("a self-signed one in a file needs no chain", async () => {
  const own = issue({ name: "server", names: [host, zone] });
  const { certificate, said } = await reading({ crt: own.pem, key: own.key });
  expect(said).toEqual([]);
  expect(sent(certificate?.credentials.cert)).toEqual(["server"]);
  const { cert, key } = makeSelfSigned([host, zone], noon).credentials;
  expect((await reading({ crt: cert, key })).said).toEqual([]);
});

test("damaged files are judged, whatever is wrong with them", async () => {
  const random = seededRandom(20_260_615);
  const place = folder();
  const files = { crt: place.in("crt"), key: place.in("key") };
  const good = { crt: leaf.pem + middle.pem, key: leaf.key };
  let refusals = 0;
  for (let round = 0; round < 400; round += 1) {
    const part = round % 4 === 0 ? "key" : "crt";
    const bytes = Buffer.from(good[part]);
    for (let damage = 1 + below(random, 3); damage > 0; damage -= 1) {
      bytes[below(random, bytes.length)] = random.uint32() & 0xff;
    }
    place.write("crt", good.crt);
    place.write("key", good.key);
    place.write(part, bytes.subarray(0, below(random, 3) === 0 ? below(random, 900) : 2000));
    const { certificate, flaws } = await readCertificate(files, [host, zone], noon);
    const isRefused = flaws.some(({ weight }) => weight === "refused");
    expect(certificate === undefined).toBe(isRefused);
    if (isRefused) refusals += 1;
  }
  expect(refusals).toBeGreaterThan(100);
});

test("a ring of authorities ends", async () => {
  const first = issue({ name: "A", isAuthority: true });
  const second = issue({ name: "B", isAuthority: true, issuer: first });
  const again = issue({ name: "A", isAuthority: true, issuer: second, key: first.key });
  const one = issue({ name: "server", names: [host, zone], issuer: again });
  const { certificate } = await reading({ crt: one.pem + again.pem + second.pem, key: one.key });
  expect(sent(certificate?.credentials.cert)).toEqual(["server", "A", "B"]);
});

test("names that look like others are not taken for them", async () => {
  const { certificate } = await reading(chainFor([host, zone, "a, DNS:evil.example.com"]));
  expect(certificate?.credentials.names).toEqual([host, zone]);
});

async function flawsOf(crt: string, key: string): Promise<readonly Flaw[]> {
  return (await readCertificate({ crt, key }, [host], noon)).flaws;
}

test("what is not there, not a file, or not to be read: told apart, never waited for", async () => {
  const place = folder({ crt: leaf.pem + middle.pem, key: leaf.key });
  execFileSync("mkfifo", [place.in("pipe")]);
  const [absent] = await flawsOf(place.in("crt"), place.in("nowhere"));
  expect(absent).toMatchObject({ part: "key", weight: "refused", cause: "absent" });
  expect(absent?.text).toBe(
    `${place.in("nowhere")}: is not there; put the file there or correct the path in certificate.key`,
  );
  const [below] = await flawsOf(place.in("crt/below"), place.in("key"));
  expect(below).toMatchObject({ part: "crt", cause: "absent" });
  const [dir] = await flawsOf(place.path, place.in("key"));
  expect(dir?.text).toBe(`${place.path}: is a folder; name the file in it`);
  const [pipe] = await flawsOf(place.in("pipe"), place.in("key"));
  expect(pipe?.text).toBe(`${place.in("pipe")}: is not a regular file`);
  expect(await flawsOf("/dev/zero", place.in("key"))).toHaveLength(1);
});

test.skipIf(process.getuid?.() !== 0)("not permitted: the user and the folders are named", () => {
  const place = folder({ crt: leaf.pem + middle.pem, key: leaf.key });
  chmodSync(place.path, 0o755);
  chmodSync(place.in("crt"), 0o644);
  process.seteuid?.(65_534);
  return flawsOf(place.in("crt"), place.in("key"))
    .finally(() => process.seteuid?.(0))
    .then(([denied]) => {
      expect(denied).toMatchObject({ part: "key", weight: "refused", cause: "denied" });
      expect(denied?.text).toMatch(/key: may not be read by the user that runs discd; give /);
    });
});

test("a key that everybody may read is used, and said", async () => {
  const place = folder({ crt: leaf.pem + middle.pem, key: leaf.key });
  chmodSync(place.in("key"), 0o644);
  const { certificate, flaws } = await readCertificate(
    { crt: place.in("crt"), key: place.in("key") },
    [host],
    noon,
  );
  expect(certificate).toBeDefined();
  expect(flaws).toMatchObject([{ part: "key", weight: "doubtful" }]);
  expect(flaws[0]?.text).toContain("key: may be read by every user of this host; take");
});

test("every way in which files are replaced shows", async () => {
  const place = folder({ crt: leaf.pem, key: leaf.key });
  const files = { crt: place.in("live/crt"), key: place.in("live/key") };
  const seen = new Set<string>();
  const isNew = async () => {
    const stamp = await stampOf(files);
    const wasNew = !seen.has(stamp);
    seen.add(stamp);
    return wasNew;
  };
  expect(await isNew()).toBe(true);
  mkdirSync(place.in("live"));
  symlinkSync("../crt", files.crt);
  symlinkSync("../key", files.key);
  expect(await isNew()).toBe(true);
  expect(await isNew()).toBe(false);
  // As Let's Encrypt does it: the same name leads elsewhere.
  place.write("crt2", leaf.pem);
  symlinkSync("../crt2", place.in("live/next"));
  renameSync(place.in("live/next"), files.crt);
  expect(await isNew()).toBe(true);
  expect(await isNew()).toBe(false);
  writeFileSync(place.in("crt2"), leaf.pem);
  expect(await isNew()).toBe(true);
  truncateSync(place.in("key"), 10);
  expect(await isNew()).toBe(true);
  chmodSync(place.in("key"), 0o640);
  expect(await isNew()).toBe(true);
  rmSync(files.key);
  expect(await isNew()).toBe(true);
  expect(await isNew()).toBe(false);
});

test("a key in the older form of its own (SEC 1)", async () => {
  const one: Issued = issue({ name: "server", names: [host, zone], issuer: middle });
  const key = createPrivateKey(one.key).export({ type: "sec1", format: "pem" }) as string;
  const { certificate, said } = await reading({ crt: one.pem + middle.pem, key });
  expect(said).toEqual([]);
  expect(certificate?.credentials.key).toBe(key);
});
