export type { Fact } from './facts.js';
export { GalleryCollector, panelSide, type GalleryCollectorOptions } from './gallery-collector.js';
export type { GalleryImages, GalleryPicture } from './gallery-picture.js';
export { drawContour } from './pictures/contour.js';
export { heatMapOverlay, type HeatMap } from './pictures/heat-map-overlay.js';
export { heatScaleOf, type HeatScale } from './pictures/heat-scale.js';
export { makePanels, type PanelOptions, type PanelSource } from './pictures/panels.js';
export {
  renderBenchmarkReport,
  type BenchmarkFigure,
  type BenchmarkReportOptions,
  type BenchmarkTable,
} from './render-benchmark-report.js';
export { renderReport, type ReportOptions } from './render-report.js';
export type { Calibration } from './sections/training.js';
