import type { JsonSchema } from '../catalogs';
import { factsOf, typesOf } from '../schema/keys';
import { removalOf } from '../schema/versions';
import { expectedWords } from '../schema/words';

/** A key's page as Markdown: what it sets, what it takes, its default, and what a version or condition changes. */
export function keyMarkdown(path: string, schema: JsonSchema): string {
  const facts = factsOf(schema);
  const lines = [`**\`${path}\`**: ${schema.description ?? 'no description.'}`, ''];
  if (typesOf(schema).length > 0) lines.push(`- Takes ${expectedWords(schema)}.`);
  const fallback = defaultWords(schema);
  if (fallback) lines.push(`- Default: ${fallback}.`);
  const filledBy = facts.autoFilledBy?.map((who) => (who === 'transformers' ? 'the Trainer' : 'Accelerate'));
  if (filledBy) lines.push(`- \`"auto"\` is filled by ${filledBy.join(' and ')}.`);
  if (facts.aliasOf) lines.push(`- Another name of \`${facts.aliasOf}\`.`);
  if (facts.appliesTo) lines.push(`- Read by ${facts.appliesTo.join(', ')}.`);
  if (facts.requires) lines.push(`- Needs ${facts.requires}.`);
  if (facts.addedIn) lines.push(`- Since ${facts.addedIn}.`);
  if (facts.removedIn) {
    const { framework, version } = removalOf(facts.removedIn);
    lines.push(`- Gone from ${framework} ${version}.`);
  }
  if (schema.deprecated && facts.replacedBy) lines.push(`- Deprecated: use \`${facts.replacedBy}\`.`);
  if (facts.note) lines.push('', sentence(facts.note));
  if (facts.where) lines.push('', `_${facts.where}_`);
  return lines.join('\n');
}

function defaultWords(schema: JsonSchema): string | undefined {
  const { defaultFor, defaultNote, defaultV4 } = factsOf(schema);
  const parts: string[] = [];
  if (schema.default !== undefined) parts.push(`\`${JSON.stringify(schema.default)}\``);
  else if (defaultNote) parts.push(defaultNote);
  for (const [name, value] of Object.entries(defaultFor ?? {})) parts.push(`\`${JSON.stringify(value)}\` for ${name}`);
  if (defaultV4 !== undefined) parts.push(`\`${JSON.stringify(defaultV4)}\` in transformers 4`);
  return parts.length > 0 ? parts.join(', ') : undefined;
}

function sentence(text: string): string {
  return `${(text[0] ?? '').toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}
