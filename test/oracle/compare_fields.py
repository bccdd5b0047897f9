"""Compares the schemas with the frameworks' own fields, read from their source with `ast`.

    python compare_fields.py --deepspeed DIR --transformers DIR --trl DIR --accelerate DIR [--schemas DIR] \
        [--release transformers=4.57.6 --release trl=0.26.2]

Each DIR is the unpacked package (`deepspeed/`, `transformers/`, ...). Prints what is only in the framework, what is only
in the schema (and not marked as removed, a second name or another script's), and defaults and types that differ. The exit
status is the number of differences, so that a release that changes a field is noticed. `--release` says which release a folder
holds; then `addedIn` and `removedIn` are held against it too, and defaults, which a schema has one of, are left out for a release
before the newest.
"""

import argparse
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(__file__))
from framework_fields import fields_of, keys_read, launch_arguments  # noqa: E402

DIFFERENCES = []
RELEASES = {}


def number(version):
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def is_there(x):
    """Whether the release of a run has a key, as the schema says."""
    for fact, after in (("addedIn", True), ("removedIn", False)):
        framework, _, version = ("transformers " + x[fact]).rpartition(" ") if fact in x else ("", "", "")
        framework = framework.split()[-1] if framework else ""
        if framework in RELEASES and version[:1].isdigit():
            if (number(RELEASES[framework]) >= number(version)) != after:
                return False
    return True


def report(text):
    DIFFERENCES.append(text)
    print(text)


def properties(schema):
    if "properties" in schema:
        return schema["properties"]
    for option in schema.get("anyOf", []):
        if "properties" in option:
            return option["properties"]
    return {}


def at(schema, path):
    for part in [p for p in path.split(".") if p]:
        schema = properties(schema).get(part, {})
    return schema


def facts(schema):
    return schema.get("x-shardlens", {})


def types(schema):
    own = schema.get("type", [])
    found = {own} if isinstance(own, str) else set(own)
    for option in schema.get("anyOf", []):
        found |= types(option)
    return found


# Python annotation -> the JSON types a schema may give it.
WORDS = {
    "bool": {"boolean"},
    "int": {"integer"},
    "float": {"number", "integer"},
    "str": {"string"},
    "list": {"array", "string"},
    "List": {"array"},
    "dict": {"object", "string"},
    "Dict": {"object"},
}


def compare(name, schema, fields, ignore=(), check_types=True):
    listed = properties(schema)
    for key, field in sorted(fields.items()):
        names = [key] + ([field["alias"]] if field.get("alias") else [])
        found = next((listed[n] for n in names if n in listed), None)
        if found is None:
            if key not in ignore:
                report(f"{name}: {key} is only in the framework ({field['where']})")
            continue
        if not is_there(facts(found)):
            report(f"{name}: {key} is in the framework, and the schema says it is not in {RELEASES}")
        if "default" in field and not facts(found).get("defaultFor") and not RELEASES:
            ours = found.get("default")
            theirs = field["default"]
            # null is "no default" in both; a schema may leave a null default out.
            if ours != theirs and not (ours is None and theirs is None) and not facts(found).get("defaultNote"):
                if not (isinstance(ours, (int, float)) and isinstance(theirs, (int, float)) and float(ours) == float(theirs)):
                    report(f"{name}: {key} defaults to {theirs!r} in the framework, to {ours!r} here")
        if check_types:
            word = field["type"].replace("Optional[", "").split("[")[0].split(" |")[0].strip("]")
            allowed = WORDS.get(word)
            if allowed and types(found) and not (types(found) & allowed):
                report(f"{name}: {key} is {field['type']} in the framework, {sorted(types(found))} here")
        for bound, keyword in (("ge", "minimum"), ("le", "maximum"), ("gt", "exclusiveMinimum"), ("lt", "exclusiveMaximum")):
            if bound in field and field[bound] is not None:
                nested = [found] + found.get("anyOf", [])
                if not any(option.get(keyword) == field[bound] for option in nested):
                    report(f"{name}: {key} has {bound}={field[bound]} in the framework and no such {keyword} here")
    aliases = {field.get("alias") for field in fields.values()}
    for key, found in sorted(listed.items()):
        x = facts(found)
        if key in fields or key in aliases or key in ignore or x.get("aliasOf") or x.get("removedIn"):
            continue
        if found.get("deprecated") or not is_there(x):
            continue
        report(f"{name}: {key} is only in the schema ({x.get('where')})")


def main():
    parser = argparse.ArgumentParser()
    for framework in ("deepspeed", "transformers", "trl", "accelerate"):
        parser.add_argument(f"--{framework}")
    parser.add_argument("--schemas", default=os.path.join(os.path.dirname(__file__), "../../schemas"))
    parser.add_argument("--release", action="append", default=[])
    options = parser.parse_args()
    RELEASES.update(each.split("=") for each in options.release)
    schema = {
        name: json.load(open(os.path.join(options.schemas, f"{name}.schema.json"), encoding="utf-8"))
        for name in ("deepspeed", "trainer", "fsdp", "accelerate")
    }
    if options.deepspeed:
        deepspeed(options.deepspeed, schema["deepspeed"])
    if options.transformers and options.trl:
        trainer(options.transformers, options.trl, schema["trainer"])
    if options.transformers:
        fsdp(options.transformers, schema["fsdp"])
    if options.accelerate:
        accelerate(options.accelerate, schema["accelerate"])
    print(f"{len(DIFFERENCES)} differences")
    sys.exit(min(len(DIFFERENCES), 100))


# Sections of DeepSpeed that are models with a list of fields. A file may have moved between releases: the first that is there counts.
DEEPSPEED_MODELS = (
    ("zero_optimization", ("runtime/zero/config.py",), "DeepSpeedZeroConfig"),
    ("zero_optimization.offload_param", ("runtime/zero/offload_config.py",), "DeepSpeedZeroOffloadParamConfig"),
    ("zero_optimization.offload_optimizer", ("runtime/zero/offload_config.py",), "DeepSpeedZeroOffloadOptimizerConfig"),
    ("zero_optimization.zenflow", ("runtime/zenflow/zenflow_config.py",), "ZenFlowConfig"),
    ("zero_optimization.leaf_module", ("runtime/zero/leaf_module_config.py",), "DeepSpeedZeroLeafModuleConfig"),
    ("fp16", ("runtime/precision_config.py",), "DeepSpeedFP16Config"),
    ("bf16", ("runtime/precision_config.py",), "DeepSpeedBF16Config"),
    ("comms_logger", ("comm/config.py",), "CommsLoggerConfig"),
    ("tensorboard", ("monitor/config.py",), "TensorBoardConfig"),
    ("wandb", ("monitor/config.py",), "WandbConfig"),
    ("csv_monitor", ("monitor/config.py",), "CSVConfig"),
    ("comet", ("monitor/config.py",), "CometConfig"),
    ("compile", ("compile/config.py",), "CompileConfig"),
    ("hybrid_engine", ("runtime/config.py",), "HybridEngineConfig"),
    ("tensor_parallel", ("runtime/tensor_parallel/config.py",), "TPTrainingConfig"),
    ("tensor_parallel.tp", ("runtime/tensor_parallel/config.py",), "TPConfig"),
    ("timers.throughput", ("utils/config.py",), "DeepSpeedThroughputTimerConfig"),
    ("weight_quantization", ("inference/config.py",), "WeightQuantConfig"),
    ("expert_parallel", ("module_inject/auto_ep_presets/base.py", "module_inject/auto_ep_config.py"), "AutoEPConfig"),
)


def deepspeed(folder, schema):
    compared = set()
    for path, files, name in DEEPSPEED_MODELS:
        file = next((each for each in files if os.path.exists(os.path.join(folder, each))), None)
        classes = fields_of(os.path.join(folder, file)) if file else {}
        if name not in classes:
            print(f"{path}: this release has no {name}")
            continue
        compared.add(path)
        fields = {key: field for key, field in classes[name]["fields"].items() if not key.startswith("_")}
        compare(f"deepspeed {path}", at(schema, path), fields, ignore=PYTHON_ONLY)
    words = string_constants(folder)
    for path, own in described_sections(schema):
        if path in compared or any(path.startswith(f"{each}.") for each in compared):
            continue
        known = {key: value for key, value in properties(own).items() if not facts(value).get("removedIn")}
        gone = sorted(key for key in known if key not in words)
        for key in gone:
            report(f"deepspeed {path or 'the top level'}: {key} is in the schema, and nothing in the package is called so")
        print(f"deepspeed {path or 'the top level'}: no list of fields, {len(known)} keys looked for by name")


# Fields of a model that no file can write, and those it has from another class.
PYTHON_ONLY = ("tp_group", "mpu", "injection_policy_tuple", "num_bits", "q_type", "q_groups")


def described_sections(schema, path=""):
    if properties(schema):
        yield path, schema
    for key, value in properties(schema).items():
        if facts(value).get("removedIn"):
            continue
        yield from described_sections(value, f"{path}.{key}" if path else key)


def string_constants(folder):
    """Every text and every keyword or parameter name in the package: what a section without a model can read is among them."""
    found = set()
    for base, _, files in os.walk(folder):
        for name in files:
            if not name.endswith(".py"):
                continue
            with open(os.path.join(base, name), encoding="utf-8", errors="replace") as source:
                found.update(re.findall(r"[A-Za-z_][A-Za-z_0-9]*", source.read()))
    return found


def trainer(transformers, trl, schema):
    arguments = fields_of(os.path.join(transformers, "training_args.py"))["TrainingArguments"]["fields"]
    own = {
        "properties": {
            key: value
            for key, value in properties(schema).items()
            if key in arguments or not facts(value).get("appliesTo")
        }
    }
    compare("TrainingArguments", own, arguments)
    for file, name in (
        ("trainer/sft_config.py", "SFTConfig"),
        ("trainer/dpo_config.py", "DPOConfig"),
        ("trainer/grpo_config.py", "GRPOConfig"),
        ("trainer/reward_config.py", "RewardConfig"),
        ("trainer/kto_config.py", "KTOConfig"),
        ("trainer/model_config.py", "ModelConfig"),
        ("scripts/utils.py", "ScriptArguments"),
    ):
        fields = fields_of(os.path.join(trl, file))[name]["fields"]
        mine = {
            "properties": {
                key: value
                for key, value in properties(schema).items()
                if key in fields or name in facts(value).get("appliesTo", [])
            }
        }
        # One key stands for several classes here: defaults are in `defaultFor`, so only names and types are compared.
        for field in fields.values():
            field.pop("default", None)
        compare(name, mine, {key: field for key, field in fields.items() if not key.startswith("_")})


def accelerate(folder, schema):
    classes = fields_of(os.path.join(folder, "commands/config/config_args.py"))
    fields = {}
    for name in ("BaseConfig", "ClusterConfig", "SageMakerConfig"):
        for key, field in classes[name]["fields"].items():
            field.pop("default", None)
            fields[key] = field
    compare("accelerate", schema, fields)
    sections(folder, schema)


# The launcher copies each section onto its own options by name, so a section's keys are the options of its group.
SECTIONS = {
    "fsdp_config": lambda name: name.startswith("fsdp_"),
    "dynamo_config": lambda name: name.startswith("dynamo_"),
    "fp8_config": lambda name: name.startswith("fp8_"),
    "parallelism_config": lambda name: name.startswith("parallelism_config_"),
    "megatron_lm_config": lambda name: name.startswith("megatron_lm_"),
    "mpirun_config": lambda name: name.startswith("mpirun_"),
    "deepspeed_config": lambda name: name.startswith(("deepspeed_", "offload_", "zero", "gradient_")),
}


def sections(folder, schema):
    options = launch_arguments(os.path.join(folder, "commands/launch.py"))
    for section, mine in SECTIONS.items():
        listed = properties(at(schema, section))
        for name, option in sorted(options.items()):
            if not mine(name):
                continue
            short = name.split("_", 1)[1] if section in ("fsdp_config", "dynamo_config", "fp8_config") else name
            found = listed.get(name) or listed.get(short)
            if found is None:
                report(f"{section}: {name} is only in the launcher ({option['where']})")
                continue
            default, ours = option.get("default"), found.get("default")
            default = list(default) if isinstance(default, tuple) else default
            # argparse takes its default for a text; the environment carries the text as well.
            if default is not None and str(default).lower() != str(ours).lower() and not facts(found).get("defaultNote"):
                if not (isinstance(default, (int, float)) and isinstance(ours, (int, float)) and float(default) == float(ours)):
                    report(f"{section}: {name} defaults to {default!r} in the launcher, to {ours!r} here")
            for choice in option.get("choices") or []:
                values = [str(value).lower() for value in found.get("enum", [])]
                if values and str(choice).lower() not in values:
                    report(f"{section}: {name} takes {choice!r} in the launcher and not here")
        for name, found in sorted(listed.items()):
            known = {name, f"{section.split('_', 1)[0]}_{name}"} & set(options)
            # Some keys have no option: the section is copied whole, and what starts the workers reads it from there.
            from_elsewhere = "accelerate/utils/" in facts(found).get("where", "")
            if not known and not from_elsewhere and not facts(found).get("aliasOf") and not found.get("deprecated"):
                report(f"{section}: {name} is only in the schema ({facts(found).get('where')})")


def fsdp(folder, schema):
    """The Trainer takes the keys of fsdp_config one by one; a key that no line of it names is dropped."""
    read = keys_read(os.path.join(folder, "training_args.py"), {"_process_fsdp_args"}, "fsdp_config")
    listed = properties(schema)
    for name, where in sorted(read.items()):
        if name not in listed:
            report(f"fsdp_config of the Trainer: {name} is only in the framework ({where})")
    for name, found in sorted(listed.items()):
        if name not in read and not facts(found).get("aliasOf"):
            report(f"fsdp_config of the Trainer: {name} is only in the schema ({facts(found).get('where')})")


if __name__ == "__main__":
    main()
