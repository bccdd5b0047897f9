// Builds schemas/{deepspeed,trainer,fsdp,accelerate}.schema.json from lists of keys that were read out of the frameworks.
// The schema files are in git and are the source of truth; this script shows how they came to be and helps at the next
// framework release:
//
//   node test/oracle/import-keys.mjs DEEPSPEED-KEYS.json TRAINER-KEYS.json ACCELERATE-KEYS.json
//
// A key list has records {path, types, default, where, enum?, minimum?, …}. What the lists lack stands beside this
// script, in import/: descriptions (one `path: text` a line) and extra keys and corrections (`amendments.json`).
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const schemas = path.join(here, '../../schemas');
const amendments = JSON.parse(readFileSync(path.join(here, 'import/amendments.json'), 'utf8'));

/** Words of the key lists for what happens to keys an object does not know. */
const UNKNOWN_KEYS = { rejected: 'reject', ignored: 'ignore', 'kept but unused': 'ignore' };

const BOUNDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'];

function descriptionsOf(name) {
  const text = readFileSync(path.join(here, `import/${name}.txt`), 'utf8');
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]));
}

/** The JSON Schema of one record, without its children. */
function leaf(record, dialect) {
  const open = record.enumStrict === false || (amendments[dialect].openValues ?? []).includes(record.path);
  const types = record.types.filter((type) => type !== 'auto' && type !== 'any' && type !== 'python-only');
  const nativeAuto = types.includes('string') && record.default === 'auto';
  const fillsAuto = record.types.includes('auto');
  const base = {};
  if (types.length === 1) base.type = types[0];
  else if (types.length > 1) base.type = types;
  if (record.enum && !open) {
    base.enum = [...record.enum];
    if (types.includes('null') && !base.enum.includes(null)) base.enum.push(null);
  } else if (record.enum) base.examples = record.enum;
  for (const bound of BOUNDS) if (record[bound] !== undefined) base[bound] = record[bound];
  const schema = {};
  if (fillsAuto && !types.includes('string')) schema.anyOf = [base, { const: 'auto' }];
  else if (fillsAuto && base.enum) Object.assign(schema, base, { enum: [...base.enum, 'auto'] });
  else if (nativeAuto && types.length > 1) {
    const number = types.filter((type) => type !== 'string');
    schema.anyOf = [{ ...base, type: number.length === 1 ? number[0] : number }, { const: 'auto' }];
  } else Object.assign(schema, base);
  return { schema, open };
}

function annotate(schema, record, open, description) {
  const note = [record.condition, record.note, record.effect, record.bug].filter(Boolean).join('; ');
  const x = {};
  x.where = record.where;
  const unknownKeys = record.unknownKeys && (UNKNOWN_KEYS[record.unknownKeys] ?? 'forward');
  if (unknownKeys) x.unknownKeys = unknownKeys;
  if (record.autoFilledBy) x.autoFilledBy = record.autoFilledBy;
  if (record.replacedBy) x.replacedBy = record.replacedBy;
  if (record.fix) x.fix = record.fix;
  if (record.appliesTo) x.appliesTo = [record.appliesTo].flat();
  if (record.requires) x.requires = record.requires;
  if (record.removedIn) x.removedIn = record.removedIn;
  if (record.addedIn) x.addedIn = record.addedIn;
  if (record.effect?.includes('never used') || record.effect?.includes('ignored')) x.effect = 'none';
  if (record.enumCaseInsensitive || record.enumCaseSensitive === false) x.anyCase = true;
  if (open && record.enum) x.openValues = true;
  if (record.defaultFor) x.defaultFor = record.defaultFor;
  if (record.defaultV4 !== undefined) x.defaultV4 = record.defaultV4;
  if (note) x.note = note;
  schema.description = description;
  if (note) schema.markdownDescription = `${description}\n\n${sentence(note)}`;
  if (record.default !== null && record.default !== undefined) {
    if (isRealDefault(record)) schema.default = record.default;
    else x.defaultNote = String(record.default);
  }
  if (record.deprecated) schema.deprecated = true;
  schema['x-shardlens'] = x;
  return schema;
}

/** A default that is a value of the key, not a remark about it. */
function isRealDefault({ default: value, types }) {
  if (typeof value !== 'string') return true;
  return types.includes('string') && !/^(factory:|v1 |stage==|platform )/.test(value);
}

function sentence(text) {
  const trimmed = text.trim().replaceAll('**', '');
  return `${trimmed[0].toUpperCase()}${trimmed.slice(1)}${/[.!?]$/.test(trimmed) ? '' : '.'}`;
}

/** What a key is said to be when nobody wrote a line for it: its name in words, and its condition. */
function plainDescription(record) {
  const parts = record.path.split('.');
  const words = parts[parts.length - 1].replace('[]', '').replaceAll('_', ' ');
  const section = parts
    .slice(0, -1)
    .filter((part) => part !== '*')
    .join('.')
    .replaceAll('[]', '');
  return section ? `\`${words}\` of ${section}.` : `\`${words}\`.`;
}

/** Puts a record's schema at its path; objects on the way are made when the list does not have them. */
function place(root, parts, schema) {
  let at = root;
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    const objectOf = at.anyOf?.find((option) => option.type === 'object') ?? at;
    if (part === '*') {
      if (last) objectOf.additionalProperties = schema;
      else objectOf.additionalProperties ??= { type: 'object' };
      at = objectOf.additionalProperties;
      continue;
    }
    const name = part.replace('[]', '');
    objectOf.properties ??= {};
    if (last) {
      const previous = objectOf.properties[name];
      objectOf.properties[name] = previous ? { ...previous, ...schema } : schema;
      return;
    }
    objectOf.properties[name] ??= { type: 'object' };
    at = objectOf.properties[name];
    if (part.endsWith('[]')) {
      at.items ??= { type: 'object' };
      at = at.items;
    }
  }
}

/** One record per path: the same key may stand in the list several times, for several optimizers or config classes. */
function merged(records) {
  const byPath = new Map();
  for (const record of records) {
    const earlier = byPath.get(record.path);
    if (!earlier) {
      byPath.set(record.path, { ...record });
      continue;
    }
    earlier.types = [...new Set([...earlier.types, ...record.types])];
    if (record.appliesTo && earlier.appliesTo) {
      earlier.appliesTo = [...new Set([earlier.appliesTo, record.appliesTo].flat())];
    } else delete earlier.appliesTo;
    if (JSON.stringify(record.default) !== JSON.stringify(earlier.default)) {
      earlier.defaultFor ??= {};
      for (const name of [record.appliesTo ?? []].flat()) earlier.defaultFor[name] = record.default;
    }
    if (earlier.enum && record.enum) earlier.enum = [...new Set([...earlier.enum, ...record.enum])];
    else delete earlier.enum;
    for (const bound of BOUNDS) if (earlier[bound] !== record[bound]) delete earlier[bound];
    earlier.deprecated &&= record.deprecated;
    earlier.note = [...new Set([earlier.note, record.note].filter(Boolean))].join('; ') || undefined;
  }
  return [...byPath.values()];
}

function build(dialect, records, head) {
  const amend = amendments[dialect];
  const descriptions = descriptionsOf(dialect);
  const dropped = new Set(amend.drop ?? []);
  const all = merged([...records.filter((record) => !dropped.has(record.path)), ...(amend.add ?? [])]);
  const root = { ...head, type: 'object', properties: {}, 'x-shardlens': amend.root };
  const missing = [];
  for (const listed of all) {
    const record = { ...listed, ...(amend.change?.[listed.path] ?? {}) };
    // accelerate/commands/launch.py:1263 copies a section's values as they are; null means not set.
    if (amend.nullable && record.path.includes('.')) record.types = [...new Set([...record.types, 'null'])];
    if (!descriptions.has(record.path)) missing.push(record.path);
    const { schema, open } = leaf(record, dialect);
    const description = descriptions.get(record.path) ?? plainDescription(record);
    place(root, record.path.split('.'), annotate(schema, record, open, description));
    if (record.required === true || record.required === 'required') requireKey(root, record);
  }
  for (const raising of amend.raises ?? []) noteAt(root, raising, { raises: true });
  for (const [section, since] of Object.entries(amend.strictSince ?? {})) noteAt(root, section, { strictSince: since });
  for (const [section, keys] of Object.entries(amend.former ?? {})) noteAt(root, section, { formerKeys: keys });
  for (const alias of aliasesOf(all, amend)) place(root, alias.path.split('.'), alias.schema(root));
  close(root);
  const unused = [...descriptions.keys()].filter((key) => !all.some((record) => record.path === key));
  console.log(`${dialect}: ${all.length} keys, ${missing.length} without a written description`);
  if (process.argv.includes('--missing')) console.log(missing.join('\n'));
  if (unused.length) console.log(`  descriptions of no key: ${unused.join(', ')}`);
  return root;
}

function requireKey(root, record) {
  if (record.appliesTo || record.path.includes('*') || !record.path.includes('.')) {
    if (record.path.includes('.')) return;
  }
  const parts = record.path.split('.');
  const parent = at(root, parts.slice(0, -1));
  if (parent) parent.required = [...(parent.required ?? []), parts[parts.length - 1]];
}

function at(root, parts) {
  let node = root;
  for (const part of parts) node = node?.properties?.[part];
  return node;
}

function noteAt(root, dotted, facts) {
  const node = at(root, dotted === '' ? [] : dotted.split('.'));
  if (!node) throw new Error(`amendments.json names ${dotted}, which is no key`);
  node['x-shardlens'] = { ...node['x-shardlens'], ...facts };
}

/** Second names of keys: field names beside aliases, and section prefixes that may be left out. */
function* aliasesOf(records, amend) {
  for (const record of records) {
    for (const alias of record.aliases ?? []) yield { path: alias, schema: (root) => aliasSchema(root, record.path) };
  }
  for (const [section, prefix] of Object.entries(amend.prefixes ?? {})) {
    for (const record of records) {
      const parts = record.path.split('.');
      const name = parts.pop();
      if (parts.join('.') !== section || name.includes('*')) continue;
      const other = name.startsWith(prefix) ? name.slice(prefix.length) : prefix + name;
      if (name.startsWith('xla')) continue;
      yield { path: [...parts, other].join('.'), schema: (root) => aliasSchema(root, record.path) };
    }
  }
}

function aliasSchema(root, target) {
  const original = at(root, target.split('.'));
  const { 'x-shardlens': x, ...rest } = original;
  return { ...rest, 'x-shardlens': { ...x, aliasOf: target.split('.').pop() } };
}

/** Objects that reject unknown keys are closed; the others stay open, so that the schema refuses no config that runs. */
function close(schema) {
  for (const option of schema.anyOf ?? []) close(option);
  if (schema.properties) {
    if (schema['x-shardlens']?.unknownKeys === 'reject') schema.additionalProperties = false;
    for (const child of Object.values(schema.properties)) close(child);
  }
  if (schema.items) close(schema.items);
  if (schema.additionalProperties && typeof schema.additionalProperties === 'object')
    close(schema.additionalProperties);
}

function head(dialect, title, description) {
  return { $schema: 'http://json-schema.org/draft-07/schema#', $id: `${dialect}.schema.json`, title, description };
}

function write(dialect, schema) {
  writeFileSync(path.join(schemas, `${dialect}.schema.json`), `${JSON.stringify(schema, null, 2)}\n`);
}

const [deepspeedKeys, trainerKeys, accelerateKeys] = process.argv
  .slice(2)
  .filter((argument) => !argument.startsWith('--'))
  .map((file) => JSON.parse(readFileSync(file, 'utf8')));

write(
  'deepspeed',
  build(
    'deepspeed',
    deepspeedKeys,
    head('deepspeed', 'DeepSpeed config', 'The JSON file that DeepSpeed reads (0.19.6).'),
  ),
);

const trl = trainerKeys.trl.map((record) => {
  const [owner, key] = record.path.split('.');
  const note = [record.note, record.memory].filter(Boolean).join('; ');
  return {
    ...record,
    path: key,
    appliesTo: owner === '_BaseConfig' ? 'TRL' : owner,
    ...(record.replacedBy ? { replacedBy: record.replacedBy.split('.').pop() } : {}),
    ...(note ? { note } : {}),
  };
});
const trainerOwn = trainerKeys.keys.filter((record) => !record.path.startsWith('fsdp_config.'));
const trainer = build(
  'trainer',
  [...trainerOwn, ...trl],
  head(
    'trainer',
    'TrainingArguments',
    'Arguments of the Hugging Face Trainer (5.18) and of TRL (1.13), with the script arguments that TRL recipes carry.',
  ),
);
for (const [key, dialect] of [
  ['fsdp_config', 'fsdp'],
  ['deepspeed', 'deepspeed'],
]) {
  const { type: _, ...rest } = trainer.properties[key];
  trainer.properties[key] = { anyOf: [{ $ref: `${dialect}.schema.json` }, { type: ['string', 'null'] }], ...rest };
}
write('trainer', trainer);

const fsdpKeys = trainerKeys.keys
  .filter((record) => record.path.startsWith('fsdp_config.'))
  .map((record) => ({ ...record, path: record.path.slice('fsdp_config.'.length) }));
write(
  'fsdp',
  build(
    'fsdp',
    fsdpKeys,
    head('fsdp', "The Trainer's fsdp_config", 'FSDP settings of the Hugging Face Trainer (5.18).'),
  ),
);

write(
  'accelerate',
  build(
    'accelerate',
    accelerateKeys.keys,
    head('accelerate', 'Accelerate config', 'The file that `accelerate launch` reads (1.15).'),
  ),
);
