import { describeModel } from '../core/models/describe';
import type { Model, ParameterKind } from '../core/models/model';
import { resolveModel } from '../core/models/resolve';
import type { Path } from '../core/source';
import { formatCount, formatParameters } from '../core/text/format';
import { loadCatalogs } from '../data/index';
import { connectInMemory } from '../lsp/connection';
import { OpenDocuments } from '../lsp/documents';
import { Files } from '../lsp/files';
import { RemoteFiles } from '../lsp/remote';
import { TrackedWorkspace } from '../lsp/workspace';
import { absolute, idOrPath, plainArguments } from './arguments';
import { coloursFor } from './colour';
import { print } from './output';
import { table } from './table';
import { status, UsageError } from './usage';

/** `shardlens models [list | show ID|PATH]`: the catalog, or the count of one model. */
export function models(args: readonly string[]): number {
  const { words, json } = plainArguments(args);
  const [action = 'list', ...names] = words;
  const [name] = names;
  if (action === 'list' && names.length === 0) list(json);
  else if (action === 'show' && name !== undefined && names.length === 1) show(name, json);
  else throw new UsageError('models takes `list`, or `show ID|PATH`.');
  return status.ok;
}

function list(json: boolean): void {
  const { models: catalog } = loadCatalogs();
  const rows = catalog.ids().flatMap((id) => {
    const record = catalog.find(id);
    if (!record) return [];
    const { config, confidence, source } = record;
    return [
      {
        id,
        parameters: record.parameters ?? counted(id, config),
        modelType: String(config.model_type),
        confidence,
        source,
      },
    ];
  });
  if (json) {
    print(`${JSON.stringify({ version: 1, models: rows }, null, 2)}\n`);
    return;
  }
  const columns = [
    { title: 'id', align: 'left' },
    { title: 'parameters', align: 'right' },
    { title: 'type', align: 'left' },
    { title: 'confidence', align: 'left' },
  ] as const;
  const lines = rows.map((row) => [
    row.id,
    row.parameters === null ? 'not known' : formatParameters(row.parameters),
    row.modelType,
    row.confidence,
  ]);
  print(table(columns, lines, { indent: '' }));
}

function counted(name: string, config: unknown): number | null {
  const described = describeModel(config, { name, source: 'catalog', confidence: 'low' });
  return 'model' in described ? described.model.parameters.total : null;
}

function show(written: string, json: boolean): void {
  const { models: catalog } = loadCatalogs();
  const name = idOrPath(written);
  const here = absolute('.');
  const { model } = resolveModel(name, { catalog, workspace: diskWorkspace(here, name), base: here });
  if (!model.known) throw new UsageError(`the model is not known: ${model.why}.`);
  if (json) print(`${JSON.stringify({ version: 1, ...jsonOf(model.value) }, null, 2)}\n`);
  else print(textOf(model.value));
}

/** The files below the current folder, and the one that was named. */
function diskWorkspace(folder: Path, named: Path): TrackedWorkspace {
  const documents = new OpenDocuments();
  const files = new Files(documents, new RemoteFiles(connectInMemory().server));
  files.open([folder], [named]);
  return new TrackedWorkspace(files, `${folder}/shardlens.json`);
}

function jsonOf(model: Model): object {
  const { name, modelType, architecture, hiddenSize, layers, vocabSize, tiedEmbeddings, maxPositions, dtype } = model;
  const { parameters, blocks, confidence, source, assumptions } = model;
  return {
    ...{ id: name, modelType, architecture, hiddenSize, layers, vocabSize, tiedEmbeddings },
    ...{
      maxPositions: maxPositions ?? null,
      dtype: dtype ?? null,
      parameters,
      blocks,
      confidence,
      source,
      assumptions,
    },
  };
}

function textOf(model: Model): string {
  const colours = coloursFor(process.stdout);
  const { total, active, byKind } = model.parameters;
  const facts: [string, string][] = [
    ['class', `${model.architecture} (${model.modelType})`],
    ['parameters', formatCount(total)],
    ...(active === total ? [] : [['active per token', formatCount(active)] as [string, string]]),
    ['layers', String(model.layers)],
    ['hidden size', formatCount(model.hiddenSize)],
    ['vocabulary', formatCount(model.vocabSize)],
    ['tied embeddings', model.tiedEmbeddings ? 'yes' : 'no'],
    ['blocks', model.blocks.map(({ className, count }) => `${count} × ${className}`).join(', ')],
    ['stored as', model.dtype ?? 'not known'],
    ['confidence', model.confidence],
    ['source', model.source],
  ];
  const kinds = Object.entries(byKind) as [ParameterKind, number][];
  const columns = [
    { title: 'layer kind', align: 'left' },
    { title: 'parameters', align: 'right' },
    { title: 'share', align: 'right' },
  ] as const;
  const rows = kinds
    .sort(([, a], [, b]) => b - a)
    .map(([kind, count]) => [kind, formatCount(count), `${((100 * count) / total).toFixed(1)} %`]);
  const assumed = model.assumptions.map((it) => `  ${it}\n`).join('');
  return [
    `${colours.strong(model.name)}\n`,
    ...facts.map(([label, value]) => `  ${label.padEnd(16)}  ${value}\n`),
    '\n',
    table(columns, rows),
    assumed === '' ? '' : `\n${colours.strong('Assumptions')}\n${assumed}`,
  ].join('');
}
