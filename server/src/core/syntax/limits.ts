/**
 * How much text is read at all. Real configs are a few KiB and at most a dozen levels deep; the caps only keep a hostile or
 * mistaken file from costing more than a moment. What lies beyond them is reported as a `limit` problem, never as clean.
 */
export const MAX_TEXT_UNITS = 4 * 1024 * 1024;

/** Nesting beyond this is not read. CPython's own json.load gives up near 1,000. */
export const MAX_DEPTH = 256;

/** The `yaml` package takes a few microseconds for each character, so its cap is lower. */
export const MAX_YAML_UNITS = 256 * 1024;

/** Nodes a YAML text may have once every alias stands for its anchor ("billion laughs"). */
export const MAX_EXPANDED_NODES = 100_000;

/** Problems kept for one file; a text with more has one cause, not thousands. */
export const MAX_PROBLEMS = 1000;
