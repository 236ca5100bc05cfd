"""Changes of bytes, as a transmission, a bad client or an attacker makes them."""

ODD = (
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\xff",
    b"\x80",
    b":",
    b" ",
    b"\t",
    b"%",
    b"%00",
    b";",
    b",",
    b"\xc0\xaf",
)
LONG = (b"a", b"%41", b"a=b&", b"a=b; ", b"[", b"\x91", b"\xff", b"1", b",", b"\\")
NUMBERS = (b"0", b"-1", b"+1", b"1e3", b"18446744073709551616", b"9" * 40, b"0x10", b"ffffffffffffffff", b"1_0")
MOST = 60_000


def mutate(random, seeds):
    """Return one of the seeds, changed up to five times."""
    data = random.choice(seeds)
    for _ in range(random.choice((0, 1, 1, 1, 2, 3, 5))):
        data = random.choice(CHANGES)(random, data, seeds)[:MOST]
    return data


def place(random, data):
    return random.randrange(len(data) + 1)


def flip(random, data, seeds):
    if not data:
        return data
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def cut(random, data, seeds):
    return data[: place(random, data)]


def leave_out(random, data, seeds):
    start = place(random, data)
    return data[:start] + data[start + random.choice((1, 1, 2, 8, 100)) :]


def repeat(random, data, seeds):
    start = place(random, data)
    part = data[start : start + random.choice((1, 4, 30, 300))]
    return data[:start] + part * random.choice((2, 2, 3, 100)) + data[start + len(part) :]


def splice(random, data, seeds):
    other = random.choice(seeds)
    return data[: place(random, data)] + other[place(random, other) :]


def follow(random, data, seeds):
    """Pipeline another one."""
    return data + random.choice(seeds)


def insert_odd(random, data, seeds):
    at = place(random, data)
    return data[:at] + random.choice(ODD) + data[at:]


def insert_long(random, data, seeds):
    at = place(random, data)
    return data[:at] + random.choice(LONG) * random.choice((50, 1000, 5000)) + data[at:]


def change_number(random, data, seeds):
    """Put an odd number in the place of one that is there."""
    digits = [at for at, byte in enumerate(data) if 48 <= byte < 58]
    if not digits:
        return data
    at = random.choice(digits)
    return data[:at] + random.choice(NUMBERS) + data[at + 1 :]


def change_lines(random, data, seeds):
    """Drop, repeat, move or exchange whole lines."""
    lines = data.split(b"\r\n")
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    what = random.randrange(4)
    if what == 0:
        del lines[at]
    elif what == 1:
        lines.insert(other, lines[at])
    elif what == 2:
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines.insert(at, random.choice(random.choice(seeds).split(b"\r\n")))
    return b"\r\n".join(lines)


CHANGES = (
    *(flip, cut, leave_out, repeat, splice, follow, insert_odd, insert_long, change_number),
    *(change_lines, change_lines),
)


def pieces(random, data):
    """Cut into the pieces in which it is sent."""
    cuts = sorted(place(random, data) for _ in range(random.choice((0, 0, 0, 1, 3))))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def shrink(data, still_fails, rounds=200):
    """Leave out what the fault does not need."""
    size = max(1, len(data) // 2)
    while size and rounds:
        at = 0
        while at < len(data) and rounds:
            rounds -= 1
            shorter = data[:at] + data[at + size :]
            if still_fails(shorter):
                data = shorter
            else:
                at += size
        size //= 2
    return data
