// The product's core as the oracle's scripts need it: the cases, and how our findings stand to a verdict.
import { loadSource } from '../../../scripts/load-source.mjs';

export const loadProduct = () => loadSource(['cases', 'compare', 'corpus'].map((it) => `test/oracle/verdicts/${it}`));
