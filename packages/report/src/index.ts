export { GalleryCollector, type GalleryImage } from './gallery-collector.js';
export type { Fact } from './html.js';
export {
  explanationCuts,
  makeExplanation,
  type Explanation,
  type ExplanationSource,
} from './images/explanation.js';
export { drawContour, heatMapOverlay, heatScaleOf, type HeatScale } from './images/overlays.js';
export { makePanels } from './images/panels.js';
export { renderBenchmarkReport } from './render-benchmark-report.js';
export { renderReport, type Comparison } from './render-report.js';
export type { Calibration } from './sections/training.js';
