"""Writes `server/src/core/models/defaults.ts`: what the config classes of transformers take for fields a config.json lacks.

Only the fields that the families read are kept: every quoted word of `server/src/core/models` that is an
attribute of the class. Run it again after a family reads a new field, or for a new release of transformers.

    python config_defaults.py        (from the repository root)

Requirements: transformers==5.18.0 (torch is not needed)
"""

import importlib
import json
import pathlib
import re

import transformers
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.configuration_utils import PreTrainedConfig

# Nested configs whose names the families build.
PREFIXES = ("blip_2_", "clip", "siglip_", "idefics", "smolvlm", "mllama", "llama4", "glm4v", "kimi_k25", "gemma4", "qwen2_audio", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5")
models = pathlib.Path("server/src/core/models")
words = set()
for file in sorted([*models.glob("families/*.ts"), *models.glob("*.ts")]):
    if file.name != "defaults.ts":
        words |= set(re.findall(r"'([A-Za-z_0-9.-]+)'", file.read_text()))


def keep(value):
    if isinstance(value, (bool, int, str)) or value is None:
        return True
    return isinstance(value, (list, tuple)) and len(value) <= 16 and all(isinstance(v, (bool, int, str)) for v in value)


def classes():
    """Every config class by model type, nested ones included."""
    found = {}
    root = pathlib.Path(transformers.__file__).parent / "models"
    for path in sorted(root.glob("*/configuration_*.py")):
        module = importlib.import_module(f"transformers.models.{path.parent.name}.{path.stem}")
        for item in vars(module).values():
            if isinstance(item, type) and issubclass(item, PreTrainedConfig) and item.__module__ == module.__name__:
                if (item.model_type in words or item.model_type.startswith(PREFIXES)) and item.model_type not in found:
                    found[item.model_type] = item
    return found


def raw_defaults(item):
    """The class's own defaults, before __post_init__ derives others from them."""
    defaults = {}
    for base in reversed(item.__mro__):
        for name, value in vars(base).items():
            if name in words and not callable(value) and not isinstance(value, property):
                defaults[name] = value
    fields = getattr(item, "__dataclass_fields__", {})
    for name, field in fields.items():
        if name in words and not str(field.default).startswith("<dataclasses._MISSING"):
            defaults[name] = field.default
    return {n: v for n, v in sorted(defaults.items()) if n != "model_type" and keep(v)}


lines = []
for model_type, item in sorted(classes().items()):
    values = raw_defaults(item)
    pairs = ", ".join(f"{n}: {json.dumps(v, default=list)}" for n, v in values.items())
    lines.append(f"  {json.dumps(model_type)}: {{ {pairs} }}, // {item.__name__}")

header = f"""// Written by test/oracle/config_defaults.py from transformers {transformers.__version__}, models/*/configuration_*.py; do not edit.

import {{ ownValue }} from '../own-value';

/** Where the defaults come from, for assumptions and sources. */
export const DEFAULTS_SOURCE = 'transformers {transformers.__version__}';

/** Defaults of a config class, for the fields that the families read; the build packs the table, so it is met here only. */
export function configDefaults(modelType: string): Readonly<Record<string, unknown>> | undefined {{
  return ownValue(CONFIG_DEFAULTS, modelType);
}}

export const CONFIG_DEFAULTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {{
"""
(models / "defaults.ts").write_text(header + "\n".join(lines) + "\n};\n")
print(len(lines), "config classes")
