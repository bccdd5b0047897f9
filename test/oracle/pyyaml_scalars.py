"""Records what PyYAML, json.load and hjson make of texts, for the tests that run without Python.

Run with: python test/oracle/pyyaml_scalars.py (needs pyyaml 6.0.3 and hjson 3.1.0).
Writes test/unit/syntax/fixtures/{pyyaml-scalars,pyyaml-texts,json-texts}.json.
"""
import datetime
import json
import math
import pathlib
import random

import hjson
import yaml

OUT = pathlib.Path(__file__).resolve().parents[1] / 'unit' / 'syntax' / 'fixtures'


def plain(value):
    """A value with its Python type, in a form that JSON can hold."""
    if isinstance(value, bool):
        return {'bool': value}
    if value is None:
        return {'null': True}
    if isinstance(value, int):
        # Large integers as text: JavaScript would round them.
        return {'int': str(value)}
    if isinstance(value, float):
        if math.isnan(value) or math.isinf(value):
            return {'float': repr(value)}
        return {'float': repr(value)}
    if isinstance(value, (datetime.date, datetime.datetime, bytes)):
        return {'other': type(value).__name__}
    if isinstance(value, str):
        return {'str': value}
    if isinstance(value, dict):
        return {'map': [[plain(k), plain(v)] for k, v in value.items()]}
    if isinstance(value, (list, tuple)):
        return {'seq': [plain(v) for v in value]}
    return {'other': type(value).__name__}


SCALARS = """
1e-4 1E-4 1e4 1e+4 1.e4 1.e+4 1.0e-4 1.0e4 1.0e+4 1.0E-05 -1.5e-3 +1.5e-3 .5 -.5 .5e-3 .5e3 1. -1. +1. 1_000.5 1_0.0_1 5e8 5e-8 2e-5 2.0e-05 5.0e8
0 00 010 -010 +010 0o10 0x10 0X10 0xFF 0xff_ff 0b101 0b1_0 0B1 08 09 019 1_000 _1 1_ 1__0 -0 +0 +1 -1 -1_0 0.0 -0.0 00.5 01.5
1:30 1:30:00 0:30 01:30 1:60 1:5 12:30.5 -1:30 190:20:30 190:20:30.15 1:30:99
.inf .Inf .INF -.inf +.inf .nan .NaN .NAN -.nan inf nan NaN Infinity -Infinity .iNF
yes Yes YES yEs no No NO nO on On ON oN off Off OFF true True TRUE tRUE false False FALSE y n Y N t f
~ null Null NULL nULL none None ~~ nil
2001-12-14 2001-12-14T21:59:43.10-05:00 2001-1-1 2001-12-14t21:59:43Z 20011214 12e03 1e 1e- e5 .e5 . .. - -- + 1.2.3 1,000 1/2 50% $5 0.1f 1L 3j
auto bf16 fp16 cpu nvme NO_SHARD FULL_SHARD 8bit 4-bit 0x 0b 0o 0x_ 0b_ 12345678901234567890 1e400 1.0e+400 9007199254740993 0777 0_7 0_ 0_8 1_2:30 = <<
""".split()


def scalars():
    rng = random.Random(7)
    words = list(dict.fromkeys(SCALARS))
    alphabet = '0123456789' * 3 + '..__::eE+-xbo' + 'infnay'
    while len(words) < 900:
        word = ''.join(rng.choice(alphabet) for _ in range(rng.randint(1, 7)))
        if word not in words:
            words.append(word)
    rows = []
    for word in words:
        # The scalar stands alone in a list item, so that `=` and `<<` are values and a colon ends no key.
        try:
            value = yaml.safe_load(f'- {word}\n')
        except (yaml.YAMLError, ValueError, IndexError) as error:
            rows.append([word, {'error': type(error).__name__}])
            continue
        if not (isinstance(value, list) and len(value) == 1):
            continue
        if isinstance(value[0], (dict, list)):
            continue
        rows.append([word, plain(value[0])])
    return rows


YAML_TEXTS = [
    'a: 1\nb: 2\n', 'a: 1\na: 2\n', 'a:\n  b: 1\n', 'a:\n- 1\n- 2\n', 'a:\n  - b: 1\n    c: 2\n', 'a: [1, 2, {b: c}]\n', '{"a": 1, "b": [1.5, null]}\n',
    'a: "x\\ty"\n', "a: 'it''s'\n", 'a: |\n  x\n  y\n', 'a: >\n  x\n  y\n\n  z\n', 'a: |-\n  x\n', 'a: |+\n  x\n\nb: 1\n', 'a:\nb:\n', 'a: # c\n  1\n', '# c\n---\na: 1\n...\n',
    'a: x\n  y\n', 'a: "x\n  y"\n', 'a: &x 1\nb: *x\n', 'a: &x {p: 1}\nb:\n  <<: *x\n  q: 2\n', 'a: &x {p: 1, q: 1}\nb:\n  p: 2\n  <<: *x\n', 'a: &x {p: 1}\nb: &y {p: 2, r: 3}\nc:\n  <<: [*x, *y]\n',
    'a: *nope\n', 'yes: 1\nno: 2\n1: 3\n1.5: 4\nnull: 5\n', '1: a\n1.0: b\n', 'true: a\n1: b\n', '? a\n: b\n', '? a\n', '{a, b: 1}\n', '{a: 1,}\n', '[1,]\n', '[a: b]\n',
    'a: !!str 1\nb: !!int "5"\nc: !!float 1\nd: !!bool "yes"\ne: !!null x\n', 'a: !custom x\n', 'a: !!map {b: 1}\n', 'a: !!seq [1]\n', 'a: !foo {b: 1}\n', 'a: ! "1"\n', 'a: <<\n', '=: 1\n', 'a: ! 1\n', 'a: !!python/tuple [1]\n', 'a: 2001-12-14\n',
    'a:\tb\n', 'a: b\t\n', 'a: "b"\t# c\n', '\ta: b\n', 'a: b # c\td\n', 'a: "b\tc"\n', 'a: b\tc\n', 'a:\n\t- b\n',
    'a: b: c\n', 'a: @x\n', 'a: `x`\n', 'a: %x\n', '%x\na: 1\n', 'a: [1, 2\n', 'a: "x\n', 'a: {b: 1\n', 'a: }\n', 'a b\n', 'a\nb: 1\n', 'a: 1\n b: 2\n', 'a: 1\n  b: 2\n', 'a:\n    b: 1\n  c: 2\n',
    'a:b\n', 'a:1\nb: 2\n', 'a: -\n', 'a: - b\n', '- a\n- b\n', '-a\n', 'a: "x" y\n', "a: 'x\n", 'a: x # y\n', 'a: x#y\n', 'a: #y\n', 'http://x: 1\n', 'a: http://x:80/y\n', 'a: x:\n', 'a: [x:, y]\n', '{"a":1}\n', '{a:1}\n', '{a :1}\n',
    '', '\n', '# only\n', '---\n', '--- a\n--- b\n', 'a: 1\n---\nb: 2\n', '~\n', 'a: "\\q"\n', 'a: "\\u00e9"\n', 'a: "\\x41"\n', '"a": 1\n', "'a': 1\n", 'a: ""\n', "a: ''\n", 'a: \n  - 1\n  -\n  - 3\n',
    '[]: 1\n', '{}: 1\n', '[a]: 1\n', '<<: {a: 1}\nb: 2\n', '<<: 1\n', 'a: {<<: {b: 1}, c: 2}\n', '"<<": 1\n', 'a: =\n', 'a: ${x}\n', 'a: 0o7\nb: 1_0\n', 'a: &x [*x]\n',
    'a: !!int x\n', 'a: 1.\n', 'a: +\n', 'a: .\n', 'é: ü\n', 'a: x\r\nb: y\r\n', '\ufeffa: 1\n', 'a: - 1\n', 'a: ?\n', 'a: ? b\n', '- - - a\n', '-\n  a: 1\n', '-  a: 1\n   b: 2\n', 'a: |2\n   x\n', 'a: >-\n  x\n  y\n', 'a: | # c\n  x\n', 'a: |\n  x', 'a: >\n  x', 'a: |+\n  x', 'a: "{{ x }}\\n"\n', 'a: |\n  {{ x }}\n', "a: '${x}'\n",
]

JSON_TEXTS = [
    '{}', '[]', '1', '"a"', 'true', 'null', '{"a": 1}', '{"a": 1.0}', '{"a": 1e5}', '{"a": 5e8}', '{"a": 1E-5}', '{"a": -0}', '{"a": -0.0}', '{"a": 1e400}', '{"a": NaN}', '{"a": Infinity}', '{"a": -Infinity}', '{"a": nan}',
    '{"a": 01}', '{"a": 1.}', '{"a": .5}', '{"a": +1}', '{"a": 0x10}', '{"a": 1_000}', '{"a": 12345678901234567890}', '{"a": 1e10}', '{"a": 1e9}', '{"a": 64.0}', '{"a": 1.5}',
    '{"a": 1,}', '[1,]', '[1,,2]', '[,1]', '{,}', '{"a": 1,, "b": 2}', '{"a" 1}', '{"a":}', '{"a"}', '{"a": 1 "b": 2}', '{"a": 1\n"b": 2}', '{"a": "x" "b": 2}', '{"a": 1\n "b": 2\n}', '[1 2]', '["a" "b"]', '["a"\n"b"]', '[1\n2\n]',
    '{a: 1}', '{a: 1\n}', "{'a': 'b'}", '{"a": \'b\'}', '{"a": cpu}', '{"a": cpu,\n"b": 1}', '{"a": cpu\n"b": 1\n}', '{"a": True}', '{"a": True\n}', '{"a": True,\n"b": 1}', '{\n"a": cpu, "b": 1\n}', '{"a": auto\n}', '{"a": /x/y\n}',
    '{"a": 1 // c\n}', '{"a": 1 # c\n}', '{"a": 1 /* c */}', '// c\n{"a": 1}', '# c\n{"a": 1}', '{"a": 1} // c', '{"a": /* c */ 1}', '{/* c */}', '{"a": 1 /* c }', '{"a": cpu // c\n}', '{"a": "x" # c\n}', '{"a": true # c\n}',
    '{"a": "x\\ty"}', '{"a": "x\ty"}', '{"a": "x\ny"}', '{"a": "\\q"}', '{"a": "\\u00e9"}', '{"a": "\\u00"}', '{"a": "\\ud800"}', '{"a": "\\ud83d\\ude00"}', '{"a": "x}', '{"a": "\\/"}', '{"a": "\\\'"}',
    '{"a": {"b": 1}', '{"a": [1, 2}', '[{]}', '}', ']', '{}}', '[]]', '{} {}', '{"a": 1} x', '', ' ', '\n', '{', '[', '"', '{"a": 1, "a": 2}', '{"a": {"b": 1, "b": 2}}', '\ufeff{"a": 1}', '{"a":\u00a01}',
    'a: 1\nb: 2\n', '"a": 1\n', 'a: 1', 'a', '{"a b": 1}', '{a b: 1}', '{a-b: 1}', '{a.b: c\n}', "{a: '''\n  x\n  y\n  '''\n}", '{"__proto__": 1}', '{"": 1}', '{"a": null}', '{"a": false}', '{"a": nulls\n}', '{"a": tru\n}', '{"a": -}', '{"a": 1e}', '{"a": --1\n}',
    '{"a": [1, 2, 3], "b": {"c": []}}', '[[[[]]]]', '{\r\n"a": 1,\r\n"b": 2\r\n}\r\n', '{"a": "auto", "b": 5e-05, "c": 0.9}', '{"a": 1;}', '{"a": (1)}', '{"a": =1\n}', '{"a": <b>\n}', '{"a": 1 2\n}', '{"a": 8 # eight\n, "b": 1}',
]


def attempt(read, text):
    try:
        return plain(read(text))
    except RecursionError:
        return {'error': 'RecursionError'}
    except Exception as error:
        return {'error': type(error).__name__}


def raise_duplicates(pairs):
    """What deepspeed/runtime/config_utils.py dict_raise_error_on_duplicate_keys does."""
    if len({k for k, _ in pairs}) != len(pairs):
        raise ValueError('duplicate')
    return dict(pairs)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    rows = {'pyyaml': yaml.__version__, 'rows': scalars()}
    write('pyyaml-scalars', rows)
    write('pyyaml-texts', {'pyyaml': yaml.__version__, 'rows': [[t, attempt(yaml.safe_load, t)] for t in YAML_TEXTS]})
    texts = [
        [t, attempt(json.loads, t), attempt(hjson.loads, t), attempt(lambda x: hjson.loads(x, object_pairs_hook=raise_duplicates), t)]
        for t in JSON_TEXTS
    ]
    write('json-texts', {'hjson': hjson.__version__ if hasattr(hjson, '__version__') else '3.1.0', 'rows': texts})


def write(name, content):
    head = {key: value for key, value in content.items() if key != 'rows'}
    lines = ',\n'.join(json.dumps(row) for row in content['rows'])
    (OUT / f'{name}.json').write_text(json.dumps(head)[:-1] + ', "rows": [\n' + lines + '\n]}\n', encoding='utf-8')


main()
