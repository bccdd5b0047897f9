import { type Uri, window, workspace } from 'vscode';

/** What programs printed, each text under the name it is shown with. */
export type Printed = readonly { readonly name: string; readonly text: string }[];

/** Larger logs are for the command line: they would have to cross to the server as one message. */
const MOST_BYTES = 64 * 2 ** 20;

/** The texts of files that were picked; undefined, with a message, where one is for the command line: `instead`. */
export async function readPrinted(files: readonly Uri[], instead: string): Promise<Printed | undefined> {
  const printed: { name: string; text: string }[] = [];
  for (const file of files) {
    const name = file.path.slice(file.path.lastIndexOf('/') + 1);
    const { size } = await workspace.fs.stat(file);
    if (size > MOST_BYTES) {
      void window.showErrorMessage(`${name} is too large for the editor; ${instead} on the command line reads it.`);
      return undefined;
    }
    printed.push({ name, text: textOf(await workspace.fs.readFile(file)) });
  }
  return printed;
}

/** Windows' PowerShell writes UTF-16 when output is sent to a file. */
function textOf(bytes: Uint8Array): string {
  const wide = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(wide ? 'utf-16le' : 'utf-8').decode(bytes);
}
