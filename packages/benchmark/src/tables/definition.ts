import type { Settings } from '../config.js';

/** A method as a grid uses it. */
export interface MethodChoice {
  readonly name: string;
  readonly profile: string;
  readonly teacher: boolean;
}

/** One trained student of a row, and the settings that it changes. */
export interface StudentChoice {
  readonly branch: 'local' | 'global';
  readonly change?: Partial<
    Pick<Settings, 'localObjective' | 'globalObjective' | 'temperature' | 'gccb' | 'gccbChannels'>
  > & {
    /** g as a fraction of the input channels of the condensing block. */
    readonly gccbShare?: number;
  };
}

/** One row of a table: the students that score an image, and the values published in the paper. */
export interface TableRow {
  readonly label: readonly string[];
  /** Students whose normalized maps are added (Eq. 8); a single student gives its own score. */
  readonly students: readonly StudentChoice[];
  /** In place of students: a method of its own. */
  readonly method?: MethodChoice;
  /** Published values by column name, as far as the paper gives them. */
  readonly published: Readonly<Record<string, number>>;
}

/** A row with published values only. */
export interface PublishedRow {
  readonly label: readonly string[];
  readonly published: Readonly<Record<string, number>>;
}

/**
 * What a column measures: image AUROC, or AU-sPRO up to a false-positive rate of 0.05, for one subset of the
 * anomalies or as the mean of both.
 */
export interface Measure {
  readonly metric: 'image-auroc' | 'au-spro';
  readonly subset: 'structural' | 'logical' | 'mean';
}

export interface Column {
  readonly name: string;
  readonly measure: Measure;
  /** Value of one category; without it, the mean over all categories. */
  readonly category?: string;
}

export interface TableDefinition {
  readonly name: string;
  readonly title: string;
  /** Headings of the parts of the label. */
  readonly labels: readonly string[];
  /** Columns for the categories of the run. */
  readonly columns: (categories: readonly string[]) => readonly Column[];
  readonly rows: readonly TableRow[];
  /** Other methods, as published. */
  readonly others: readonly PublishedRow[];
  /** Whether other methods can have rows, and then every row what it takes. */
  readonly compares?: boolean;
  readonly remark?: string;
}
