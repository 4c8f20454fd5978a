import { DskdError, type HistoryEntry } from '@dskd/base';
import type { EvaluationResult } from '@dskd/metrics';
import type { GalleryImage } from './gallery-collector.js';
import { factList, markup, table, type Fact, type Html } from './html.js';
import type { BranchFusion, HeatScale } from './images/overlays.js';
import { page, type Section } from './page.js';
import { curvesSection } from './sections/curves.js';
import { gallerySection } from './sections/gallery.js';
import { metricsSection } from './sections/metrics.js';
import { scoresSection, summarySection } from './sections/summary.js';
import { calibrationSection, trainingSection, type Calibration } from './sections/training.js';

/** A table of text and numbers. */
export interface Comparison {
  readonly title: string;
  /** Names of the columns; the first is that of the row names. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

function comparisonTable({ title, columns, rows }: Comparison): Html {
  return table({
    caption: title,
    columns: columns.map((column, index) => ({
      title: column,
      numeric: index > 0 && rows.every((row) => /^(?:[-+]?\d.*|-|)$/.test(String(row[index]))),
    })),
    rows,
  });
}

export interface ReportOptions {
  readonly title: string;
  /** One or two sentences under the title. */
  readonly subtitle?: string;
  /** Tables at the top, for example of several detectors on the same images. */
  readonly comparisons?: readonly Comparison[];
  /** Metrics and scores on test images. */
  readonly evaluation?: EvaluationResult;
  /** Images with their panels (see `makePanels`); groups in the order of their first image. */
  readonly gallery?: readonly GalleryImage[];
  /** The color scale of the maps in the gallery, which needs one. */
  readonly heatScale?: HeatScale;
  /** How the detector fuses its branches, as for `makePanels`. Default `sum`. */
  readonly fusion?: BranchFusion;
  /** Losses by epoch. */
  readonly training?: readonly HistoryEntry[];
  readonly calibration?: Calibration;
  /** Facts needed to reproduce the result: the command, the fingerprint of the data, versions. */
  readonly facts: readonly Fact[];
}

/**
 * Renders the evaluation of a detector as one HTML document without scripts or external resources. All text is escaped.
 * Parts without data are omitted. Runs in Node and in browsers.
 * @returns the HTML text.
 * @throws {DskdError} `invalid-argument` for a gallery without a color scale, or when an image of the gallery is not a data URL of a PNG, JPEG or WebP.
 */
export function renderReport(options: ReportOptions): string {
  const {
    title,
    subtitle,
    comparisons = [],
    evaluation,
    gallery = [],
    heatScale,
    fusion,
    training = [],
    calibration,
    facts,
  } = options;
  const sections: Section[] = [];
  const add = (id: string, heading: string, content: Section['content']): void => {
    sections.push({ id, title: heading, content });
  };
  if (comparisons.length > 0) add('comparison', 'Compared', markup`${comparisons.map(comparisonTable)}`);
  if (evaluation) {
    add('summary', 'At a glance', summarySection(evaluation));
    add('metrics', 'Metrics', metricsSection(evaluation));
    add('curves', 'Curves', curvesSection(evaluation));
  }
  if (gallery.length > 0) {
    if (!heatScale) {
      throw new DskdError('invalid-argument', 'Got a gallery without heatScale; wanted its color scale.', {
        hint: 'heatScaleOf makes one from calibration scores and threshold.',
      });
    }
    add(
      'images',
      'Images',
      gallerySection(gallery, { scale: heatScale, fusion, atThreshold: evaluation?.atThreshold }),
    );
  }
  if (training.length > 0) add('training', 'Training', trainingSection(training));
  if (calibration) add('calibration', 'Threshold', calibrationSection(calibration));
  if (evaluation) add('scores', 'All scores', scoresSection(evaluation));
  if (facts.length > 0) add('facts', 'How this was made', factList(facts));
  return page({
    title,
    ...(subtitle !== undefined && { subtitle: markup`<p>${subtitle}</p>` }),
    sections,
  });
}
