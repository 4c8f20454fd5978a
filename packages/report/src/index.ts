export { GalleryCollector, panelSide, type GalleryImage, type GalleryImages } from './gallery-collector.js';
export type { Fact } from './html.js';
export { drawContour, heatMapOverlay, heatScaleOf, type HeatScale } from './images/overlays.js';
export { makePanels, type PanelOptions, type PanelSource } from './images/panels.js';
export { renderBenchmarkReport, type BenchmarkReportOptions } from './render-benchmark-report.js';
export { renderReport, type ReportOptions } from './render-report.js';
export type { Calibration } from './sections/training.js';
