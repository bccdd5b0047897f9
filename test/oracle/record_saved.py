#!/usr/bin/env python3
"""Records what autograd saves: real transformers classes on fake tensors, every storage written as a product of the model's sizes.

    python record_saved.py FAMILY…     these model types of the catalog, merged into server/data/activations.json; "phi kernel" is
                                       phi with another way to compute its activation
    python record_saved.py --all       all of them
    python record_saved.py --show FAMILY [SETTING…]

A small model with pairwise different sizes is run, and its storages are named by their bytes; where that is not enough, the nth
storage of a second variant is the same tensor, so that both together tell which product it is. What no product explains is kept
under `unresolved`. Needs what record_memory.py needs, and node for the symbols. A minute a family. $WAYS names the settings to run,
$RAW a folder that keeps what was read, so that a later call only adds to it, and with $KEEP nothing is merged.
"""
import json
import logging
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import traceback
import warnings

from fake_cuda import FakeMode, patch_cuda, torch
from saved_kernels import patch_kernels, with_kernels
import saved_data
import saved_models as models
import saved_runs as runs
import saved_terms as terms

HERE = os.path.dirname(os.path.abspath(__file__))
NEVER = float("inf")
# Settings to run, where not all are wanted.
WAYS = [way for way in os.environ.get("WAYS", "").split(",") if way]


_node = None


def symbols_of(configs, architecture):
    """What the product makes of each config: blocks with their symbols."""
    global _node
    if _node is None:
        _node = subprocess.Popen(["node", os.path.join(HERE, "saved_symbols.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    answers = []
    for config in configs:
        _node.stdin.write(json.dumps(dict(config=config, architecture=architecture)) + "\n")
        _node.stdin.flush()
        answers.append(json.loads(_node.stdout.readline()))
    for answer in answers:
        if "problem" in answer:
            raise ValueError(answer["problem"])
    return answers


class Family:
    """One model type in all its variants: built models, and which block of the product each of their blocks is."""

    def __init__(self, transformers, model_type, modes=("free", "heads", "equal")):
        self.record = models.record_of(model_type)
        model_type, _, activation = model_type.partition(" ")
        if activation not in (*models.ACTIVATIONS, "mqa"):
            activation = ""
        self.transformers, self.model_type = transformers, model_type
        if self.record is None:
            raise ValueError("transformers has no class for it")
        self.architecture = models.head_of(transformers, self.record["architecture"])
        kind = getattr(transformers, self.architecture)
        defaults = kind.config_class().to_dict()
        self.activation = activation or models.activation_class(models.text_config(defaults) | models.text_config(self.record["config"]))
        problems = []
        for self.mode in modes:
            try:
                made = [models.sized(self.record, defaults, v, self.mode, activation or None) for v in range(len(models.VARIANTS))]
                self.loops = models.loops_of(model_type, made[0][1])
                self.configs, self.sizes = [c for c, _ in made], [z for _, z in made]
                whole = [dict(c, model_type=model_type) for c in self.configs]
                try:
                    self.known = symbols_of(whole, self.architecture)
                except ValueError:
                    # The product counts the class without a head.
                    self.known = symbols_of(whole, self.record["architecture"])
                attention = "sdpa" if self.has_sdpa() else "eager"
                self.places = [self._places(v, self.build(v, "bf16", attention)) for v in range(len(made))]
                self.tried = (attention, "bf16", False, False)
                self.first, self.count = events_of(self, self.tried, 1), 1
                return
            except Exception as error:
                problems.append(f"{self.mode}: {type(error).__name__}: {str(error)[-200:]}")
        raise ValueError("; ".join(problems))

    def has_sdpa(self):
        return getattr(getattr(self.transformers, self.architecture), "_supports_sdpa", True)

    def build(self, variant, precision, attention, window=None):
        config = dict(self.configs[variant])
        if window is not None:
            models.text_config(config)["sliding_window"] = window
        return runs.build(self.transformers, config, self.architecture, precision, attention)

    def counted(self):
        """Blocks that every sample passes through: those of the text, or all where it is images or sound."""
        blocks = self.known[0]["blocks"]
        return [i for i, b in enumerate(blocks) if b["counted"]]

    def blocks(self, model, variant=0):
        return runs.blocks_of(model, {self.known[variant]["blocks"][i]["className"] for i in self.counted()})

    def _places(self, variant, model):
        """The product's block for each module; total parameters must agree."""
        counted = sum(p.numel() for p in model.parameters())
        # The head may be left out, or tied in this release.
        known = self.known[variant]
        if abs(counted - known["total"]) > 1.001 * known["h"] * (known["V"] + known["h"]):
            raise ValueError(f"{counted} parameters, the product counts {self.known[variant]['total']}")
        found = []
        for module in self.blocks(model, variant):
            size = sum(p.numel() for p in module.parameters())
            fitting = [i for i, b in enumerate(self.known[variant]["blocks"]) if b["parameters"] == size and b["className"] == type(module).__name__]
            if len(fitting) > 1:
                kind = models.kind_of(module)
                fitting = [i for i in fitting if ("sparse" in self.known[variant]["blocks"][i]["kind"].split()) == (kind == "sparse")] or fitting
                slides = _slides(module)
                fitting = [i for i in fitting if (self.known[variant]["blocks"][i]["window"] is not None) == slides] or fitting
            if not fitting:
                raise ValueError(f"no block of {size} parameters")
            found.append(fitting[0])
        return found

    def key(self, index):
        return self.known[0]["blocks"][index]["key"]


def _slides(module):
    for part in (module, *(m for n, m in module.named_children() if "attn" in n or "attention" in n)):
        kind = getattr(part, "attention_type", None) or getattr(part, "layer_type", None)
        if isinstance(kind, str):
            return "sliding" in kind or kind == "local" or "chunked" in kind
        if isinstance(getattr(part, "is_sliding", None), bool):
            return part.is_sliding
        if "sliding_window" in vars(part):
            return part.sliding_window is not None
    return False


def _batch(size, mask, model, kind):
    other = models.inputs_of(kind)

    def make():
        shape = (size["b"], size["s"])
        if other is not None:
            return {k: v.to(model.dtype) if torch.is_tensor(v) and v.is_floating_point() else v for k, v in other(size, model.config).items()}
        ids = torch.zeros(shape, dtype=torch.long, device="cuda")
        batch = dict(input_ids=ids, labels=torch.zeros(shape, dtype=torch.long, device="cuda"))
        if mask:
            batch["attention_mask"] = torch.ones(shape, dtype=torch.long, device="cuda")
        return batch

    return make


def events_of(family, setting, count):
    """One run per variant; the same storages in the same order."""
    attention, precision, frozen, checkpointing = setting
    found = []
    for variant in range(count):
        window = family.sizes[variant]["s"] // 4 if attention == "window" else None
        model = family.build(variant, precision, "eager" if attention == "eager" else "sdpa", window)
        batch = _batch(family.sizes[variant], attention == "mask", model, family.architecture)
        found.append(runs.run(model, family.blocks(model, variant), batch, precision, frozen, checkpointing))
        del model
    first = [(place, dtype) for _, _, place, _, dtype in found[0].made]
    for other in found[1:]:
        if [(place, dtype) for _, _, place, _, dtype in other.made] != first:
            mine = [(place, dtype) for _, _, place, _, dtype in other.made]
            at = next((i for i, (a, b) in enumerate(zip(first, mine)) if a != b), min(len(first), len(mine)))
            raise ValueError(f"variants make different tensors: {len(first)} and {len(mine)}, from the {at}th: {found[0].made[at : at + 2]} {other.made[at : at + 2]}")
    return found


def solver_for(family, indices, count, is_outside=False):
    symbols, sides = [], []
    for variant in range(count):
        size, known = family.sizes[variant], family.known[variant]
        merged = {}
        for index in indices:
            merged.update(known["blocks"][index]["symbols"])
        positions = {known["blocks"][index]["positions"] for index in indices}
        length = (positions.pop() if len(positions) == 1 else None) or size["s"]
        merged.update(T=size["b"] * length, b=size["b"], s=length, V=known["V"])
        if "u" in merged:
            merged["U"] = size["b"] * merged["u"]
        if is_outside:
            merged["h"] = known["h"]
        symbols.append(merged)
        sides.append({n: v for index in indices for n, v in known["blocks"][index]["sides"].items()})
        if is_outside:
            sides[-1].update(known["outside"])
    return terms.Solver(symbols, sides, models.PARTS.get(family.model_type, ()), models.LENGTHS.get(family.model_type, ()))


class Unnamed(Exception):
    """A tensor whose size is no single product of symbols."""


class Reading:
    """What the events of one setting say."""

    def __init__(self, family, setting, count):
        self.family = family
        self.events = family.first if count == 1 and setting == family.tried else events_of(family, setting, count)
        self.places = family.places[0]
        self.solvers, self.unresolved = {}, {}
        self.first = self.events[0]
        self.loss = next(c for c, name in self.first.marks if name == ("loss",))
        self.end = next(c for c, name in self.first.marks if name == ("end",))
        self.gradients = {i for i, name in self.first.marks if name == ("gradient",)}
        self.count = count

    def term(self, i):
        place = self.first.made[i][2]
        index = -1 if place == "ends" else self.places[place]
        if index not in self.solvers:
            text = self.family.counted()
            self.solvers[index] = solver_for(self.family, text if index < 0 else [index], self.count, index < 0)
        sizes = tuple(e.made[i][1] for e in self.events)
        found = self.solvers[index].term(sizes)
        if found is None and self.count == 1:
            raise Unnamed
        if found is None:
            self.unresolved[i] = sizes
            return {}
        return found

    def kept(self):
        """Terms alive after forward by place."""
        by_place = {}
        for i, (clock, _, place, *_rest) in enumerate(self.first.made):
            if clock < self.loss < self.first.gone.get(i, NEVER):
                terms.add(by_place.setdefault(place, {}), self.term(i))
        return {place: terms.unrolled(found, self.family.loops) for place, found in by_place.items()}

    def backward(self, place):
        """What is alive beside the saved tensors while one block's backward runs: the moments that no other dominates."""
        marks = [(c, name[1]) for c, name in self.first.marks if name[0] == "backward"]
        start = min((c for c, i in marks if i == place), default=None)
        if start is None:
            return []
        stop = min((c for c, i in marks if c > start and i != place), default=self.end)
        live, found = {}, []
        changes = []
        for i, (clock, *_rest) in enumerate(self.first.made):
            gone = self.first.gone.get(i, NEVER)
            if i in self.gradients:
                continue
            if clock < self.loss:
                if start < gone <= stop:
                    changes.append((gone, -1, i))
            elif clock <= stop:
                if clock <= start < gone:
                    terms.add(live, self.term(i))
                elif clock > start:
                    changes.append((clock, 1, i))
                if start < gone <= stop:
                    changes.append((gone, -1, i))
        found.append(dict(live))
        for _, sign, i in sorted(changes):
            terms.add(live, self.term(i), sign)
            if sign > 0:
                found.append(dict(live))
        return terms.front([terms.unrolled(moment, self.family.loops) for moment in found])

    def head(self):
        """Bytes per token and vocabulary entry: while the loss is made, at most in backward, and when most of the head's gradient is there."""
        first = min((c for c, name in self.first.marks if name[0] == "backward"), default=self.end)
        changes = []
        for i, (clock, *_rest) in enumerate(self.first.made):
            for name, coefficient in self.term(i).items():
                if name == "TV" or name == "hV" and clock > self.loss:
                    changes += [(clock, name, coefficient), (self.first.gone.get(i, NEVER), name, -coefficient)]
        logits, weights = 0, 0
        forward, backward, most, beside = 0, 0, 0, 0
        for clock, name, change in sorted(changes):
            if clock > first:
                break
            if name == "TV":
                logits += change
            else:
                weights += change
            if clock < self.loss:
                forward = max(forward, logits)
                continue
            backward = max(backward, logits)
            if weights >= most and change > 0 and name == "hV":
                most, beside = weights, logits
        return [forward, backward, beside]


def middle(places, index):
    """An instance that is neither the first nor the last block where there is one."""
    instances = [i for i, p in enumerate(places) if p == index]
    inner = [i for i in instances if 0 < i < len(places) - 1]
    return (inner or instances)[-1 if not inner else len(inner) // 2]


def split_casts(kept):
    """Copies of weights have no token in them."""
    casts = {n: c for n, c in kept.items() if n and not set(n.split("[")[0]) & set("TbsUu")}
    small = {n: c for n, c in casts.items() if not is_matrix(n)}
    return {n: c for n, c in kept.items() if n not in casts or n in small}, {n: c for n, c in casts.items() if n not in small}


def is_matrix(name):
    return name.count("[") >= 2 or len(name.split("[")[0]) + name.count("[") >= 2 and name not in ("nd", "kd", "nv", "kv")


def record_setting(family, setting):
    """One variant names nearly everything; what it cannot name is looked at in both."""
    if family.count == 1:
        try:
            return read_setting(family, Reading(family, setting, 1))
        except Unnamed:
            family.count = 2
    return read_setting(family, Reading(family, setting, 2))


def read_setting(family, reading):
    kept = reading.kept()
    blocks, total = {}, {}
    for place in kept.values():
        terms.add(total, place)
    casts_total = {}
    for index in sorted(set(family.places[0])):
        key = family.key(index)
        if key in blocks and family.places[0].count(index) <= blocks[key]["_count"]:
            continue
        place = middle(family.places[0], index)
        saved, casts = split_casts(kept.get(place, {}))
        working = []
        for moment in reading.backward(place):
            working.append(moment)
        blocks[key] = dict(saved=saved, casts=casts, working=working, _count=family.places[0].count(index), _of=place)
    same = True
    for index, place in enumerate(family.places[0]):
        block = blocks[family.key(place)]
        terms.add(total, block["saved"], -1)
        terms.add(total, block["casts"], -1)
        whole = terms.add(dict(block["saved"]), block["casts"])
        if kept.get(index, {}) != whole and 0 < index < len(family.places[0]) - 1:
            same = False
    head = reading.head()
    total.pop("TV", None)
    ends, casts = split_casts(total)
    unknown = sum(sizes[0] for i, sizes in reading.unresolved.items() if reading.first.made[i][0] < reading.loss < reading.first.gone.get(i, NEVER))
    whole = sum(m[1] for i, m in enumerate(reading.first.made) if m[0] < reading.loss < reading.first.gone.get(i, NEVER))
    result = dict(blocks=blocks, ends=ends, endCasts=casts, head=head, same=same)
    if reading.unresolved:
        result["unresolved"] = round(unknown / whole, 4)
        result["_unresolved"] = sorted({(reading.first.made[i][2:], s) for i, s in reading.unresolved.items()}, key=str)[:12]
    return result


def settings_of(family):
    """Attention, precision, whether the weights are frozen, whether blocks are checkpointed; what most runs use comes first.

    `mask` has padded samples, `window` samples longer than the window, `equal` as many key-value heads as heads (fp32 then takes
    another kernel).
    """
    windowed = any(b["window"] for b in family.known[0]["blocks"])
    attentions = ["sdpa", "eager"] + ([] if models.inputs_of(family.architecture) else ["mask"]) + (["window"] if windowed else [])
    if not family.has_sdpa():
        attentions = ["eager"]
    first = attentions[0]
    yield from ((first, precision, False, False) for precision in runs.PRECISIONS)
    yield from ((first, precision, True, False) for precision in ("bf16", "amp16"))
    yield from ((attention, "bf16", False, False) for attention in attentions[1:])
    yield (first, "bf16", False, True)
    has_groups = any(b["symbols"].get("n") != b["symbols"].get("k") for b in family.known[0]["blocks"])
    others = attentions[1:]
    yield from (("eager", precision, False, False) for precision in ("amp", "fp32") if others)
    yield (first, "amp", True, False)
    yield (first, "amp", False, True)
    if others and has_groups:
        yield ("equal", "fp32", False, False)
    yield from ((attention, precision, False, False) for precision in ("amp", "fp32") for attention in others[1:])
    yield from ((attention, precision, True, False) for precision in ("amp16", "bf16") for attention in others)
    yield from ((attention, "amp16", False, False) for attention in others)
    yield from ((first, precision, frozen, True) for precision, frozen in (("amp16", True), ("bf16", True), ("amp16", False), ("fp32", False)))
    yield from ((attention, precision, True, False) for precision in ("amp", "fp32") for attention in others)
    yield (first, "fp32", True, False)
    if others and has_groups:
        yield ("equal", "fp32", True, False)


def start():
    warnings.filterwarnings("ignore")
    logging.getLogger("torch._subclasses.fake_tensor").setLevel(logging.CRITICAL)
    torch.set_num_threads(1)
    patch_cuda()
    patch_kernels()
    from record_memory import patch_transformers

    return patch_transformers()


def name_of(setting):
    attention, precision, frozen, checkpointing = setting
    return " ".join([attention, precision] + ["frozen"] * frozen + ["checkpointing"] * checkpointing)


def record(model_type, wanted=None, before={}):
    transformers = start()
    begun = time.time()
    with FakeMode(allow_non_fake_inputs=True):
        family = Family(transformers, model_type)
        found, failed = dict(before.get("settings", {})), {}
        for setting in list(settings_of(family))[: int(os.environ.get("SETTINGS", "99"))]:
            name = name_of(setting)
            if name in before.get("settings", {}) or WAYS and name not in WAYS:
                continue
            if wanted and name not in wanted:
                continue
            try:
                if setting[0] == "equal":
                    found[name] = record_setting(Family(transformers, model_type, ("equal",)), ("sdpa", *setting[1:]))
                else:
                    found[name] = record_setting(family, setting)
            except Exception as error:
                failed[name] = f"{type(error).__name__}: {str(error)[:300]}"
                if wanted:
                    traceback.print_exc()
    kernels = models.KERNELS.get(family.model_type) if with_kernels() else None
    return dict(family=model_type, kernels=kernels, record=family.record["id"], mode=family.mode, activation=family.activation if family.activation in models.ACTIVATIONS else "kernel", settings=found, failed=failed, seconds=round(time.time() - begun, 1))


def show(result):
    for name, setting in result["settings"].items():
        print(f"== {name}  head {setting['head']} same {setting['same']}", setting.get("unresolved", ""), setting.get("_unresolved", ""))
        print("   ends", terms.write(setting["ends"]), "| casts", terms.write(setting["endCasts"]))
        for key, block in setting["blocks"].items():
            print("  ", key, "saved", terms.write(block["saved"]), "| casts", terms.write(block["casts"]))
            for moment in block["working"]:
                print("       ", terms.write(moment))
    print(result["failed"], result["seconds"], result["mode"])


def _record_safely(model_type):
    before = {}
    path = os.path.join(os.environ["RAW"], model_type + ".json")
    if os.path.exists(path):
        with open(path) as file:
            before = json.load(file)
    try:
        return record(model_type, before=before)
    except Exception as error:
        return dict(family=model_type, error=f"{type(error).__name__}: {error}")


def main():
    if sys.argv[1] == "--show":
        show(record(sys.argv[2], set(sys.argv[3:]) or None))
        return
    raw = os.environ.setdefault("RAW", tempfile.mkdtemp(prefix="saved-"))
    os.makedirs(raw, exist_ok=True)
    every = sorted({r["model_type"] for r in models.catalog() if r["verified"]})
    families = every if sys.argv[1] == "--all" else sys.argv[1:]
    import accelerate.utils  # noqa: F401
    import transformers  # noqa: F401

    # One node for all families, and what each family would import.
    symbols_of([], "")
    start()
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        for result in pool.imap(_record_safely, families, chunksize=1):
            path = os.path.join(raw, result["family"] + ".json")
            with open(path, "w") as file:
                json.dump(result, file, default=str)
            print(result["family"], result.get("error") or f"{len(result['settings'])} settings, {len(result['failed'])} failed, {result['seconds']} s", flush=True)
            if "KEEP" not in os.environ:
                saved_data.main([path])


if __name__ == "__main__":
    main()
