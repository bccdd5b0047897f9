"""Lists the fields that a framework's dataclasses and pydantic models declare, by reading their source with `ast`.

Nothing is imported, so no torch is needed. Usage:

    python framework_fields.py FILE.py [FILE.py ...]

prints one JSON object: class name -> {"bases": [...], "fields": {name: {"type", "default", "where"}}}.
`default` is absent where the source gives an expression that is not a literal (then `defaultSource` holds it).
"""

import ast
import json
import sys


def literal(node):
    # DeepSpeed writes large numbers as pp_int(5e8), an int that prints nicely (runtime/config_utils.py).
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("pp_int", "int") and node.args:
        inner = literal(node.args[0])
        return {"default": int(inner["default"])} if "default" in inner else inner
    try:
        return {"default": ast.literal_eval(node)}
    except (ValueError, SyntaxError):
        return {"defaultSource": ast.unparse(node)}


def default_of(value):
    if value is None:
        return {"required": True}
    if isinstance(value, ast.Call) and getattr(value.func, "id", getattr(value.func, "attr", "")) in ("field", "Field"):
        keywords = {k.arg: k.value for k in value.keywords}
        out = {}
        if "default" in keywords:
            out = literal(keywords["default"])
        elif "default_factory" in keywords:
            out = {"defaultSource": "factory:" + ast.unparse(keywords["default_factory"])}
        elif value.args:
            out = literal(value.args[0])
        for bound in ("ge", "gt", "le", "lt"):
            if bound in keywords:
                out[bound] = literal(keywords[bound]).get("default")
        if "alias" in keywords:
            out["alias"] = literal(keywords["alias"]).get("default")
        if "json_schema_extra" in keywords:
            out["extra"] = ast.unparse(keywords["json_schema_extra"])
        return out
    return literal(value)


def fields_of(path):
    tree = ast.parse(open(path, encoding="utf-8").read())
    classes = {}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        fields = {}
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                if "ClassVar" in ast.unparse(item.annotation):
                    continue
                fields[item.target.id] = {
                    "type": ast.unparse(item.annotation),
                    "where": f"{path}:{item.lineno}",
                    **default_of(item.value),
                }
        classes[node.name] = {"bases": [ast.unparse(b) for b in node.bases], "fields": fields}
    return classes


def launch_arguments(path):
    """The options that an argparse parser declares: name -> type, default, choices, where."""
    tree = ast.parse(open(path, encoding="utf-8").read())
    found = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument"):
            continue
        names = [a.value for a in node.args if isinstance(a, ast.Constant) and str(a.value).startswith("--")]
        if not names:
            continue
        keywords = {k.arg: k.value for k in node.keywords}
        option = {"where": f"{path}:{node.lineno}"}
        if "default" in keywords:
            option.update(literal(keywords["default"]))
        if "choices" in keywords:
            option["choices"] = literal(keywords["choices"]).get("default")
        if "type" in keywords:
            option["type"] = ast.unparse(keywords["type"])
        elif "action" in keywords:
            option["type"] = "bool"
        for name in names:
            found[name[2:].replace("-", "_")] = option
    return found


def keys_read(path, functions, holder):
    """Keys that functions take out of `holder` (a name or attribute): `holder["key"]`, `holder.get("key")`, `.pop("key")`."""
    tree = ast.parse(open(path, encoding="utf-8").read())
    keys = {}
    for function in ast.walk(tree):
        if not (isinstance(function, ast.FunctionDef) and function.name in functions):
            continue
        for node in ast.walk(function):
            key = None
            if isinstance(node, ast.Subscript) and _is(node.value, holder):
                key = node.slice
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("get", "pop") and node.args:
                key = node.args[0] if _is(node.func.value, holder) else None
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                keys.setdefault(key.value, f"{path}:{node.lineno}")
    return keys


def _is(node, name):
    return getattr(node, "attr", getattr(node, "id", None)) == name


if __name__ == "__main__":
    out = {}
    for path in sys.argv[1:]:
        out.update(fields_of(path))
    json.dump(out, sys.stdout, indent=1, default=repr)
