// Paths of files in discd.lua: what can be one, and where relative ones begin.

import { dirname, resolve } from "node:path";
import type { Check } from "./shapes.js";
import { text } from "./words.js";

/** Longest path of Linux. */
const pathMax = 4095;

const pathText = text(pathMax);

export const filePath: Check<string> = (value, where) => {
  const given = pathText(value, where);
  if (given?.includes("\0") !== true) return given;
  where.report.problem(where, "holds a byte 0, which no path does");
  return undefined;
};

/** @param file  the configuration file, beside which relative paths begin; absent: none */
export const beside = (file: string | undefined, path: string): string =>
  resolve(dirname(file ?? ""), path);
