// Reads what the shop sends: MessagePack without extension types.
const text = new TextDecoder();

export function decode(buffer) {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  let at = 0;

  function take(length) {
    if (at + length > bytes.length) throw new RangeError("the message ends too early");
    at += length;
    return at - length;
  }

  const number = (size, method) => view[method](take(size));
  const string = (length) => text.decode(bytes.subarray(take(length), at));
  const list = (length) => Array.from({ length }, read);
  const map = (length) => Object.fromEntries(Array.from({ length }, () => [read(), read()]));

  function read() {
    const kind = bytes[take(1)];
    if (kind < 0x80) return kind;
    if (kind < 0x90) return map(kind & 0x0f);
    if (kind < 0xa0) return list(kind & 0x0f);
    if (kind < 0xc0) return string(kind & 0x1f);
    if (kind >= 0xe0) return kind - 0x100;
    switch (kind) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xca: return number(4, "getFloat32");
      case 0xcb: return number(8, "getFloat64");
      case 0xcc: return number(1, "getUint8");
      case 0xcd: return number(2, "getUint16");
      case 0xce: return number(4, "getUint32");
      case 0xcf: return Number(number(8, "getBigUint64"));
      case 0xd0: return number(1, "getInt8");
      case 0xd1: return number(2, "getInt16");
      case 0xd2: return number(4, "getInt32");
      case 0xd3: return Number(number(8, "getBigInt64"));
      case 0xd9: return string(number(1, "getUint8"));
      case 0xda: return string(number(2, "getUint16"));
      case 0xdb: return string(number(4, "getUint32"));
      case 0xdc: return list(number(2, "getUint16"));
      case 0xdd: return list(number(4, "getUint32"));
      case 0xde: return map(number(2, "getUint16"));
      case 0xdf: return map(number(4, "getUint32"));
      default: throw new TypeError(`type ${kind} of MessagePack is not read here`);
    }
  }

  return read();
}
