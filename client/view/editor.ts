import type { PageData } from '../../server/src/core/features/breakdown-page';
import type { FactView, SetAction } from '../../server/src/core/features/breakdown-view';

/** Commands that the head of the view offers beside those that set a fact. */
export type ViewAction = SetAction | 'make-it-fit' | 'where-would-it-run';

/** What the view asks of the editor. */
export type FromView =
  | { readonly type: 'ready' }
  | { readonly type: 'act'; readonly action: ViewAction; readonly key: string | null }
  | { readonly type: 'open'; readonly path: string; readonly line: number };

/** What the editor tells the view. */
export interface ToView {
  readonly type: 'data';
  readonly data: PageData;
}

/** What is kept while the view is hidden, and when the window is loaded anew. */
export interface ViewState {
  readonly uri: string;
  readonly open: readonly string[];
  readonly scroll: number;
}

interface VsCode {
  postMessage(message: FromView): void;
  getState(): Partial<ViewState> | undefined;
  setState(state: ViewState): void;
}

declare function acquireVsCodeApi(): VsCode;

/** The editor around the view; undefined where the page stands alone. */
export interface Editor {
  /** Asks for the newest view: the page's own data may be older, after it was hidden. */
  ready(): void;
  act(action: ViewAction, key: string | null): void;
  open(place: NonNullable<FactView['place']>): void;
  readonly state: Partial<ViewState>;
  keep(state: Omit<ViewState, 'uri'>): void;
}

export function editorOf(uri: string): Editor | undefined {
  if (typeof acquireVsCodeApi !== 'function') return undefined;
  const api = acquireVsCodeApi();
  return {
    ready: () => api.postMessage({ type: 'ready' }),
    act: (action, key) => api.postMessage({ type: 'act', action, key }),
    open: ({ path, line }) => api.postMessage({ type: 'open', path, line }),
    state: api.getState() ?? {},
    keep: (state) => api.setState({ uri, ...state }),
  };
}
