// Decode each message of standard input, a list of them, with @msgpack/msgpack; write what was found, and what it encodes.
import { createRequire } from "node:module";
import { readFileSync, writeSync } from "node:fs";

const { decode, encode, ExtData } = createRequire(process.argv[2] + "/")("@msgpack/msgpack");
const options = { useBigInt64: true };

const described = (value) => {
  if (value instanceof Date) return { date: value.toISOString() };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  if (value instanceof ExtData) return { extension: value.type };
  if (typeof value === "bigint") return { int: value.toString() };
  if (typeof value === "number" && !Number.isInteger(value)) return { float: String(value) };
  if (Array.isArray(value)) return value.map(described);
  if (value !== null && typeof value === "object")
    return { map: Object.entries(value).map(([key, each]) => [key, described(each)]) };
  return value;
};

const messages = decode(readFileSync(0));
const found = messages.map((message) => {
  const value = decode(message, options);
  return { read: JSON.stringify(described(value)), written: encode(value, options) };
});
writeSync(1, encode(found));
