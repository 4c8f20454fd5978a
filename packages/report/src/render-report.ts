import type { HistoryEntry } from '@dskd/base';
import type { EvaluationResult } from '@dskd/metrics';
import { factList, type Fact } from './facts.js';
import type { GalleryImage } from './gallery-image.js';
import { markup } from './html.js';
import { page, type Section } from './page.js';
import type { HeatScale } from './images/heat-scale.js';
import { curvesSection } from './sections/curves.js';
import { gallerySection } from './sections/gallery.js';
import { qualitySection } from './sections/quality.js';
import { scoresSection } from './sections/scores.js';
import { summarySection } from './sections/summary.js';
import { calibrationSection, trainingSection, type Calibration } from './sections/training.js';

export interface ReportOptions {
  readonly title: string;
  /** A sentence or two under the title: what was done, to what. */
  readonly subtitle?: string;
  /** What the detector scored on test images. */
  readonly evaluation?: EvaluationResult;
  /** Images with their panels, see `makePanels`; groups in the order they first come in. */
  readonly gallery?: readonly GalleryImage[];
  /** The scale that the gallery's maps were drawn with. */
  readonly heatScale: HeatScale;
  /** Losses by epoch. */
  readonly training?: readonly HistoryEntry[];
  readonly calibration?: Calibration;
  /** What one needs to do the same again: the command, the data's fingerprint, versions. */
  readonly facts: readonly Fact[];
}

/**
 * What a detector is worth, as one HTML document: no script, nothing to load, every text escaped. Parts that
 * nothing is known of are left out. Runs in Node and in browsers.
 * @throws {DskdError} `invalid-argument` where an image of the gallery is no data URL of a PNG, JPEG or WebP.
 */
export function renderReport(options: ReportOptions): string {
  const { title, subtitle, evaluation, gallery = [], heatScale, training = [], calibration, facts } = options;
  const sections: Section[] = [];
  const add = (id: string, heading: string, content: Section['content']): void => {
    sections.push({ id, title: heading, content });
  };
  if (evaluation) {
    add('summary', 'At a glance', summarySection(evaluation));
    add('quality', 'Quality', qualitySection(evaluation));
    add('curves', 'Curves', curvesSection(evaluation));
  }
  if (gallery.length > 0)
    add('images', 'Images', gallerySection(gallery, heatScale, evaluation?.atThreshold));
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
