// Where discd's API is asked: --api, else the usual Unix socket, else the usual
// port of this host. And what helps when nobody answers there.

import { readFileSync, type Stats, statSync } from "node:fs";
import { userInfo } from "node:os";
import { causeOf } from "../os/connection-faults.js";
import { Failure, UsageError } from "./command.js";

export const usualSocket = "/run/discd/http";
export const usualUrl = "http://127.0.0.1:8053";

export interface ApiPlace {
  /** As people write it. */
  readonly text: string;
  readonly isTls: boolean;
  /** Of the `Host` field. */
  readonly host: string;
  readonly socketPath?: string;
  /** Where there is no socket. */
  readonly hostname?: string;
  readonly port?: number;
  /** Nobody said so. */
  readonly isUsual: boolean;
}

const atSocket = (path: string, isUsual: boolean): ApiPlace => ({
  text: path,
  isTls: false,
  host: "localhost",
  socketPath: path,
  isUsual,
});

function atUrl(text: string, isUsual: boolean): ApiPlace {
  const complaint = `--api ${text}: write http://ADDR:PORT, https://NAME:PORT, or /path/of/a/socket`;
  let url: URL;
  try {
    url = new URL(/^https?:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    throw new UsageError(complaint);
  }
  const isTls = url.protocol === "https:";
  const { hostname: written, port, host, pathname, search, hash, username } = url;
  if (written === "" || pathname !== "/" || `${search}${hash}${username}` !== "") {
    throw new UsageError(complaint);
  }
  return {
    text: `${url.protocol}//${host}`,
    isTls,
    host,
    hostname: written.replace(/^\[|\]$/g, ""),
    port: Number(port || (isTls ? 443 : 80)),
    isUsual,
  };
}

/** @throws UsageError when `text` is no place, Failure when the usual socket may not be looked at */
export function findApiPlace(text: string | undefined): ApiPlace {
  if (text !== undefined) return /^[./]/.test(text) ? atSocket(text, false) : atUrl(text, false);
  const socket = statOf(usualSocket);
  if (socket === "denied") throw new Failure(rightsText(usualSocket));
  return socket === undefined ? atUrl(usualUrl, true) : atSocket(usualSocket, true);
}

function statOf(path: string): Stats | "denied" | undefined {
  try {
    return statSync(path);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EACCES" ? "denied" : undefined;
  }
}

/** The name of a group, or its number where it has none. */
function groupName(gid: number): string {
  try {
    const line = readFileSync("/etc/group", "utf8")
      .split("\n")
      .find((one) => one.split(":")[2] === String(gid));
    return line?.split(":")[0] ?? String(gid);
  } catch {
    return String(gid);
  }
}

/** Who may use a socket, and how one gets there. */
function rightsText(path: string): string {
  const found = statOf(path);
  const folder = statOf(path.replace(/\/[^/]*$/, "") || "/");
  const of = typeof found === "object" ? found : folder;
  const remedy = `run discli with sudo, or read only by --api ${usualUrl}`;
  if (typeof of !== "object") return `${path}: you have no right to open it; ${remedy}`;
  // Nobody becomes a member of root's group to read a list.
  if (of.gid === 0) return `${path}: it is open to root alone; ${remedy}`;
  const group = groupName(of.gid);
  const join = `\`sudo usermod -aG ${group} ${userName()}\` and a new login`;
  return `${path}: it is open to the group ${group}, and you are not in it: ${join}; or ${remedy}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "$USER";
  }
}

/** Why a place could not be reached, and what to try next. */
export function unreachable(place: ApiPlace, error: NodeJS.ErrnoException): Failure {
  const { socketPath, isUsual, text } = place;
  if (socketPath !== undefined && error.code === "EACCES") return new Failure(rightsText(text));
  if (socketPath !== undefined && error.code === "ENOENT") {
    return new Failure(`${text} is not there; discd's \`http.listen\` says where its socket is`);
  }
  const nobody = error.code === "ECONNREFUSED" || error.code === "ENOENT";
  if (nobody && isUsual) {
    const where = socketPath === undefined ? `${usualSocket} is not there, and ` : "";
    const remedy = "start it (`systemctl start discd`), or say where it is by --api";
    const off = "`http = false` in discd.lua switches this off";
    const what = `${where}nothing listens at ${text}`;
    return new Failure(`discd does not seem to run: ${what}; ${remedy}; ${off}`);
  }
  const remedy = nobody ? "; is discd running, and is that in its `http.listen`?" : "";
  return new Failure(`${text}: ${causeOf(error)}${remedy || "; say another place by --api"}`);
}
