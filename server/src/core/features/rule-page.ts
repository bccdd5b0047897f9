import type { Example, Rule } from '../rules/rule';

/** A rule's page as Markdown, made from the rule itself, so that it cannot say anything else than what is checked. */
export function rulePage(rule: Rule): string {
  const parts = [
    `# ${rule.id}`,
    `Severity: ${rule.severity}. Applies to: ${rule.applies.join(', ')}.`,
    rule.why,
    `Source: ${rule.source.map((source) => `\`${source}\``).join(', ') || 'none; a matter of tidiness'} (${VERIFIED[rule.verified]}).`,
    ...examples('Reported', rule.examples.bad),
    ...examples('Not reported', rule.examples.good),
  ];
  return `${parts.join('\n\n')}\n`;
}

const VERIFIED = {
  run: 'seen by running it',
  'upstream-test': "seen in the framework's own tests",
  read: "read in the framework's code",
} as const;

function examples(title: string, list: readonly Example[]): string[] {
  return list.flatMap((example) => {
    if (typeof example.files === 'string') return [`## ${title}`, fenced(example.name ?? 'json', example.files)];
    const files = Object.entries(example.files);
    return [`## ${title}`, ...files.flatMap(([name, text]) => [`\`${name}\`:`, fenced(name, text)])];
  });
}

function fenced(name: string, text: string): string {
  const language = /\.(ya?ml)$/.test(name) ? 'yaml' : /\.sh$/.test(name) ? 'sh' : 'json';
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
}
