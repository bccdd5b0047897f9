"""From sizes in bytes to terms: which product of a model's sizes a tensor is, found by comparing several models at once."""
import itertools

COEFFICIENTS = sorted({a * b for a in (1, 2, 4, 8) for b in (1, 2, 3, 4, 5, 6, 8)} | {128, 256}, key=lambda c: (c & (c - 1) != 0, c))
TOKENS = ("", "T", "Ts", "b", "s", "ss", "bb", "U", "Tu", "u")
WIDTHS = (
    "", "h", "I", "n", "k", "d", "v", "nd", "kd", "nv", "kv", "E", "K", "S", "X", "N", "G", "GN", "KX", "Kh", "KI", "V", "hI", "hnd", "hkd", "hnv", "hkv",
    "hh", "hS", "hX", "hE", "EhX", "EX", "hV", "ndnd", "II", "ndv", "kdv",
)  # fmt: skip


def product(letters, values):
    result = 1
    for letter in letters:
        result *= values[letter]
    return result


def unique_names(sides):
    return set.intersection(*(set(s) for s in sides)) if sides else set()


class Solver:
    """Terms over the symbols that a block has in every variant. `sides` are the sides of its tensors, by name."""

    def __init__(self, symbols, sides, parts=(), lengths=()):
        self.symbols, self.count, self.parts, self.lengths = symbols, len(symbols), parts, lengths
        have = set.intersection(*(set(s) for s in symbols))
        self.widths = {}
        for letters in WIDTHS:
            if set(letters) <= have:
                self._add(letters, tuple(product(letters, s) for s in symbols))
        names = sorted(set.intersection(*(set(s) for s in sides)), key=lambda name: (len(name), name)) if sides else []
        named = [(f"[{name}]", tuple(s[name] for s in sides)) for name in names]
        # The width of a convolution is a number of the class, and no size that tells what a tensor is.
        named = [(name, sizes) for name, sizes in named if sizes not in self.widths and min(sizes) > 8]
        unique = {}
        for name, sizes in named:
            unique.setdefault(sizes, name)
        for sizes, name in unique.items():
            self._add(name, sizes)
        short = [(sizes, name) for sizes, name in self.widths.items() if 0 < len(name) <= 2 or name.startswith("[")]
        for (a, x), (b, y) in itertools.product(unique.items(), short):
            self._add(x + y if y.startswith("[") else y + x, tuple(i * j for i, j in zip(a, b)))
        for name in {side.split(":")[0] for side in unique_names(sides)}:
            # The weight of a convolution over patches.
            axes = [tuple(s.get(f"{name}:{axis}", 0) for s in sides) for axis in (2, 3, 0)]
            if min(map(min, axes)) > 8:
                self._add(f"[{name}:2][{name}:2][{name}:0]", tuple(a * b * c for a, b, c in zip(*axes)))
        self.tokens = {t: tuple(product(t, s) for s in symbols) for t in TOKENS if set(t) <= have}
        self.cache = {}

    def _add(self, name, sizes):
        if sizes not in self.widths:
            self.widths[sizes] = name

    def term(self, sizes):
        """{product: coefficient} for a tensor's bytes in every variant, or None."""
        if sizes not in self.cache:
            self.cache[sizes] = self._single(sizes) or (self._double(sizes) if self.count > 1 else None)
        return self.cache[sizes]

    def _single(self, sizes):
        if len(set(sizes)) == 1 and sizes[0] <= 4096:
            return {"": sizes[0]}
        if all(size == 8 * (v["T"] + v["b"]) for size, v in zip(sizes, self.symbols)):
            return {"T": 8, "b": 8}  # Labels, padded by one to be shifted.
        if all(size == 8 * (v["T"] - v["b"]) for size, v in zip(sizes, self.symbols)):
            return {"T": 8, "b": -8}  # Labels, shifted into a decoder's input.
        best = None
        for token, per in self.tokens.items():
            if any(size % p for size, p in zip(sizes, per)):
                continue
            rest = [size // p for size, p in zip(sizes, per)]
            for coefficient in COEFFICIENTS:
                if any(r % coefficient for r in rest):
                    continue
                name = self.widths.get(tuple(r // coefficient for r in rest))
                if name is None:
                    continue
                cost = (name.count("["), len(token) + len(name), COEFFICIENTS.index(coefficient))
                if best is None or cost < best[0]:
                    best = (cost, {token + name: coefficient})
        return (best and best[1]) or self._of_part(sizes) or self._of_length(sizes) or self._with_sink(sizes) or self._any_factor(sizes)

    def _of_part(self, sizes):
        """A tensor over a part of the positions, such as every fourth: `0.25Th`."""
        for part in self.parts:
            whole = self._whole(tuple(size * part for size in sizes))
            if whole is not None:
                return {name: coefficient / part for name, coefficient in whole.items()}
        return None

    def _of_length(self, sizes):
        """A tensor over another length, such as 64 times the positions and 15 more: `64Th + 15bh`."""
        for token, (share, part, more) in itertools.product("TU", self.lengths):
            per = [v.get(token, 0) * share // part + v["b"] * more for v in self.symbols]
            if min(per) <= 0 or any(size % p for size, p in zip(sizes, per)):
                continue
            rest = [size // p for size, p in zip(sizes, per)]
            for coefficient in COEFFICIENTS:
                name = None if any(r % coefficient for r in rest) else self.widths.get(tuple(r // coefficient for r in rest))
                if name is not None:
                    return {token + name: coefficient * share / part, "b" + name: coefficient * more}
        return None

    def _whole(self, sizes):
        best = None
        for token, per in self.tokens.items():
            if not set(token) & set("sTU") or any(size % p for size, p in zip(sizes, per)):
                continue
            rest = [size // p for size, p in zip(sizes, per)]
            for coefficient in COEFFICIENTS:
                name = None if any(r % coefficient for r in rest) else self.widths.get(tuple(r // coefficient for r in rest))
                if name is None:
                    continue
                cost = (name.count("["), len(token) + len(name), COEFFICIENTS.index(coefficient))
                if best is None or cost < best[0]:
                    best = (cost, {token + name: coefficient})
        return best and best[1]

    def _with_sink(self, sizes):
        """Scores with more columns than there are positions: a sink, or keys that stand for several positions."""
        for part, sink in itertools.product((0, *self.parts), (1, 0)):
            if not part and not sink:
                continue
            per = [v["T"] * (v["s"] + (v["s"] // part if part else 0) + sink) for v in self.symbols]
            for coefficient in (1, 2, 4, 6, 8):
                if all(size % (coefficient * p) == 0 for size, p in zip(sizes, per)):
                    name = self.widths.get(tuple(size // (coefficient * p) for size, p in zip(sizes, per)))
                    if name is not None:
                        pairs = {"Ts" + name: coefficient * (1 + (1 / part if part else 0))}
                        return pairs | ({"T" + name: coefficient} if sink else {})
        return None

    def _any_factor(self, sizes):
        """A constant of the class, such as the width of a convolution, where two variants agree on it."""
        best = None
        for token, per in self.tokens.items() if self.count > 1 else ():
            for widths, name in self.widths.items():
                whole = [p * w for p, w in zip(per, widths)]
                if not all(whole):
                    continue
                factor = sizes[0] // whole[0]
                if 0 < factor <= 1 << 17 and all(size == factor * w for size, w in zip(sizes, whole)):
                    cost = (name.count("["), -len(token) - len(name))
                    if best is None or cost < best[0]:
                        best = (cost, {token + name: factor})
        return best and best[1]

    def _double(self, sizes):
        for token in ("T", "", "Ts", "s", "b", "U"):
            if token not in self.tokens:
                continue
            per = self.tokens[token]
            if any(size % p for size, p in zip(sizes, per)):
                continue
            rest = tuple(size // p for size, p in zip(sizes, per))
            for (a, x), c in itertools.product(self.widths.items(), (1, 2, 4, 6, 8, 12, 16)):
                left = tuple(r - c * i for r, i in zip(rest, a))
                if min(left) <= 0:
                    continue
                for d in (1, 2, 4, 6, 8, 12, 16):
                    if any(l % d for l in left):
                        continue
                    y = self.widths.get(tuple(l // d for l in left))
                    if y is not None and x.count("[") + y.count("[") <= 1:
                        return {token + x: c, token + y: d}
        return None


def unrolled(terms, loops):
    """What a loop makes once for each chunk of positions, as a product of positions: of 37 chunks of 64, 148b is 0.0625T."""
    for chunk, whole, count, per, *single in loops:
        for name in [n for n in terms if n.startswith(chunk) and not n.startswith("bb")]:
            coefficient = terms.pop(name)
            times = round(coefficient / count)
            left = coefficient - times * count
            if abs(left) > 16:
                times, left = coefficient / count, 0
            add(terms, {whole + name[len(chunk) :]: times * per} if times else {})
            alone = {whole + name[len(chunk) :]: left * single[0]} if single else {name: left}
            add(terms, alone if left else {})
    return terms


def add(total, terms, sign=1):
    for name, coefficient in terms.items():
        total[name] = total.get(name, 0) + sign * coefficient
        if total[name] == 0:
            del total[name]
    return total


def value(terms, values):
    import re

    total = 0
    for name, coefficient in terms.items():
        size = coefficient
        for side, letter in re.findall(r"\[([^\]]+)\]|(\S)", name):
            size *= values[f"[{side}]"] if side else values[letter]
        total += size
    return total


def write(terms):
    """`16Th + 4Tnd`, widest reach first."""
    order = sorted(terms.items(), key=lambda item: (-item[0].count("s"), item[0]))
    return " + ".join(f"{coefficient:.10g}{name}" for name, coefficient in order).replace("+ -", "- ")


def dominates(a, b):
    """Whether a is at least b for every size."""
    return all(a.get(name, 0) >= b.get(name, 0) for name in {*a, *b})


def front(candidates):
    """Those that no other dominates."""
    kept = []
    for terms in candidates:
        if any(dominates(other, terms) for other in kept):
            continue
        kept = [other for other in kept if not dominates(terms, other)]
        kept.append(terms)
    return kept
