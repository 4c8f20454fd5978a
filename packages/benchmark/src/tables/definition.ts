import type { Settings } from '../config.js';

/** One trained student of a row, and what of the settings it changes. */
export interface StudentChoice {
  readonly branch: 'local' | 'global';
  readonly change?: Partial<
    Pick<Settings, 'localObjective' | 'globalObjective' | 'temperature' | 'gccb' | 'gccbChannels'>
  > & {
    /** g as a share of the channels that the condensing block is given. */
    readonly gccbShare?: number;
  };
}

/** One line of a table: what scores an image, and what the paper printed for it. */
export interface TableRow {
  readonly label: readonly string[];
  /** Students whose normalized maps are added (Eq. 8); one alone is its own score. */
  readonly students: readonly StudentChoice[];
  /** By the name of the column, as far as the paper has numbers. */
  readonly published: Readonly<Record<string, number>>;
}

/** A line that is only in the paper. */
export interface PublishedRow {
  readonly label: readonly string[];
  readonly published: Readonly<Record<string, number>>;
}

/**
 * What a column measures: image AUROC, or AU-sPRO up to a false-positive rate of 0.05, of one subset of the
 * anomalies or as the mean of both.
 */
export interface Measure {
  readonly metric: 'image-auroc' | 'au-spro';
  readonly subset: 'structural' | 'logical' | 'mean';
}

export interface Column {
  readonly name: string;
  readonly measure: Measure;
  /** One category's value; otherwise the mean over all. */
  readonly category?: string;
}

export interface TableDefinition {
  readonly name: string;
  readonly title: string;
  /** Headings of the label's parts. */
  readonly labels: readonly string[];
  /** For the categories of the run. */
  readonly columns: (categories: readonly string[]) => readonly Column[];
  readonly rows: readonly TableRow[];
  /** Other methods, as published. */
  readonly others: readonly PublishedRow[];
  readonly remark?: string;
}
