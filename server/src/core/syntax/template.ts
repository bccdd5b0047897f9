/**
 * True for a value that a template engine, the shell or a launcher fills before Python reads it: `${LR}`, `{{ lr }}`,
 * `{% … %}`, `<YOUR_PATH>`. Special tokens such as `<|eot|>` and `</s>` are values.
 */
export function isTemplated(value: string): boolean {
  // Asked of every text of every file: most hold no brace at all.
  if (value.includes('{')) {
    if (value.includes('${') && value.includes('}')) return true;
    if (value.includes('{{') && value.includes('}}')) return true;
    if (value.includes('{%') && value.includes('%}')) return true;
  }
  if (value.startsWith('<') && value.endsWith('>')) return /^<[A-Z][\w .\-/]*>$/.test(value);
  return false;
}

/** True for a file that a launcher fills in: `ds_config_TEMPLATE.json`. */
export function isTemplateFile(name: string): boolean {
  return /template/i.test(name) || /\.(j2|jinja2?|tmpl|tpl)\b/i.test(name);
}
