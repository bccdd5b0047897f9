"""Puts recordings into server/data/activations.json: terms as text, moments that never decide left out, like families written once.

    python saved_data.py RAW…     the files that record_saved.py left
"""
import datetime
import importlib.metadata
import json
import os
import random
import re
import sys

from saved_models import KINDS, NOT_RUN, SAME, catalog
from saved_terms import value, write

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "server", "data", "activations.json")
# A moment is left out where others come this close to it, measured against all that the block holds then.
CLOSE = 0.002


T_OF_IMAGE = 577


def shapes(count=400):
    """Sizes as models and batches have them."""
    rng = random.Random(7)
    for _ in range(count):
        n, d = rng.choice((8, 16, 32, 64)), rng.choice((64, 96, 128, 256))
        h = int(n * d * rng.choice((0.5, 1, 1, 1, 2)))
        b, s = rng.choice((1, 2, 8, 32)), rng.choice((128, 512, 2048, 4096, 16384))
        experts = rng.choice((8, 32, 64, 256))
        sizes = dict(n=n, d=d, v=rng.choice((d, d // 2)), k=max(1, n // rng.choice((1, 4, 8))), h=h, I=int(h * rng.choice((1.5, 2.7, 3.5, 4, 8))), V=100000)
        sizes |= dict(U=T_OF_IMAGE * b, u=T_OF_IMAGE, N=rng.choice((128, 256)), G=8)
        sizes |= dict(E=experts, K=rng.choice((2, 4, 8)), X=rng.choice((512, 1408, 4096)), S=rng.choice((0, 1408, 8192)), w=s // 2, b=b, s=s, T=b * s)
        yield sizes


SHAPES = list(shapes())


def _sized(terms, sizes):
    """Sides of tensors stand for something as wide as the hidden size."""
    sides = {f"[{side}]": sizes["h"] for name in terms for side in re.findall(r"\[([^\]]+)\]", name)}
    return value(terms, {**sizes, **sides})


def deciding(block):
    """The moments of backward without which the largest would be off, the most often largest first."""
    working = block["working"]
    if len(working) <= 1:
        return working
    values = [[_sized(w, s) for w in working] for s in SHAPES]
    totals = [max(1, _sized(block["saved"], s) + _sized(block["casts"], s) + max(v)) for s, v in zip(SHAPES, values)]
    kept = []
    while True:
        wins = [0.0] * len(working)
        for row, total in zip(values, totals):
            now = max((row[i] for i in kept), default=float("-inf"))
            best = max(range(len(row)), key=row.__getitem__)
            if (row[best] - now) / total > CLOSE:
                wins[best] += 1
        if not any(wins):
            return [working[i] for i in kept]
        kept.append(max(range(len(wins)), key=wins.__getitem__))


def key_of(key):
    words = key.replace("without attention", "mixing").split(" ")
    return " ".join(["block", *words[1:]])


def setting_of(setting, checkpointing):
    blocks = {}
    for key, block in setting["blocks"].items():
        made = dict(saved=write(block["saved"]))
        if block["casts"]:
            made["casts"] = write(block["casts"])
        if not checkpointing:
            # The gradient of a tied head is no part of the block.
            working = [{name: c for name, c in moment.items() if name != "hV"} for moment in block["working"]]
            made["working"] = [write(moment) for moment in deciding(dict(block, working=working))]
        blocks[key_of(key)] = made
    made = dict(head=[int(f) for f in setting["head"]], ends=write(setting["ends"]), blocks=blocks)
    if setting["endCasts"]:
        made["casts"] = write(setting["endCasts"])
    notes = []
    if not setting["same"]:
        notes.append("blocks of one kind differ; one of the middle is written")
    if setting.get("unresolved", 0) >= 0.0005:
        notes.append(f"{100 * setting['unresolved']:.2g} % of the bytes are no product of sizes and not written")
    if notes:
        made["unresolved"] = "; ".join(notes)
    return made


def family_of(result):
    settings = {name: setting_of(setting, name.endswith("checkpointing")) for name, setting in sorted(result["settings"].items())}
    made = dict(counted=result["record"], activation=result.get("activation", "kernel"), settings=settings)
    if result.get("kernels"):
        made["kernels"] = result["kernels"]
    if result["failed"]:
        made["refused"] = {name: why[:120] for name, why in sorted(result["failed"].items())}
    return made


def load():
    if not os.path.exists(DATA):
        return dict(families={})
    with open(DATA) as file:
        data = json.load(file)
    for family in data["families"].values():
        like = family.pop("like", None)
        if like is not None:
            family["settings"] = data["families"][like]["settings"]
    return data


def unrecorded(families):
    """Families of the catalog without a recording, by the reason."""
    found = {}
    for name in sorted({record["model_type"] for record in catalog()} - set(families)):
        verified = any(record["verified"] for record in catalog() if record["model_type"] == name)
        reason = NOT_RUN.get(name) or (None if verified else "its class comes with the checkpoint, not with transformers, and was not run")
        if reason:
            found.setdefault(reason, []).append(name)
    return found


def save(families):
    data = {
        "$schema": "../../schemas/activations.schema.json",
        "date": datetime.date.today().isoformat(),
        "how": "test/oracle/record_saved.py ran each transformers class on fake tensors and wrote every storage that autograd keeps as a product of the model's sizes; letters are explained in server/src/core/estimate/memory/symbols.ts and terms.ts",
        "versions": {name: importlib.metadata.version(name) for name in ("torch", "transformers", "accelerate")},
        "families": {},
        "unrecorded": unrecorded(families),
    }
    for name, like in SAME.items():
        # A decoder that is another family's class, behind a tower that text does not pass through.
        families[name] = dict(families[like], counted=next(r["id"] for r in catalog() if r["model_type"] == name))
    seen = {}
    for name in sorted(families, key=lambda n: (n != "llama", n)):
        family = dict(families[name])
        text = json.dumps(family["settings"], sort_keys=True)
        if text in seen:
            family = {key: value for key, value in family.items() if key != "settings"} | dict(like=seen[text])
        else:
            seen[text] = name
        data["families"][name] = family
    with open(DATA, "w") as file:
        file.write(json.dumps(data, indent=1) + "\n")


def main(paths):
    families = load()["families"]
    for path in paths:
        with open(path) as file:
            result = json.load(file)
        if "error" in result or not result["settings"]:
            print(result["family"], result.get("error") or "nothing was counted")
            continue
        families[result["family"]] = family_of(result)
    for name in [n for n in families if n.endswith(" mqa") or n in KINDS]:
        # Blocks whose heads share one key, or that another model of the family has, are another kind of block of the same family.
        word = "block mqa" if name.endswith(" mqa") else "block"
        for setting, made in families.pop(name)["settings"].items():
            held = families[name.split(" ")[0]]["settings"].get(setting)
            if held is not None:
                held["blocks"] |= {key.replace("block", word, 1): block for key, block in made["blocks"].items()}
    save(families)


if __name__ == "__main__":
    main(sys.argv[1:])
