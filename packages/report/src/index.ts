export type { Fact } from './facts.js';
export { GalleryCollector, panelSide, type GalleryCollectorOptions } from './gallery-collector.js';
export type { GalleryImages, GalleryImage } from './gallery-image.js';
export { drawContour } from './images/contour.js';
export { heatMapOverlay, type HeatMap } from './images/heat-map-overlay.js';
export { heatScaleOf, type HeatScale } from './images/heat-scale.js';
export { makePanels, type PanelOptions, type PanelSource } from './images/panels.js';
export {
  renderBenchmarkReport,
  type BenchmarkFigure,
  type BenchmarkReportOptions,
  type BenchmarkTable,
} from './render-benchmark-report.js';
export { renderReport, type ReportOptions } from './render-report.js';
export type { Calibration } from './sections/training.js';
