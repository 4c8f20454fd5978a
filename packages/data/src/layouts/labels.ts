import type { Sample } from '../samples.js';

/** Words for labels in manifests. */
export const LABELS: ReadonlyMap<string, Sample['label']> = new Map([
  ...['good', 'normal', 'ok', '0'].map((name) => [name, 'good'] as const),
  ...['anomalous', 'abnormal', 'anomaly', 'bad', 'defect', 'defective', 'ko', 'ng', 'nok', '1'].map(
    (name) => [name, 'anomalous'] as const,
  ),
]);

/** Whether a folder's name is a usual one for good images. Nothing may be taken for good because of it alone. */
export function namesGood(folder: string): boolean {
  return LABELS.get(folder.toLowerCase()) === 'good';
}

const NOT_GOOD =
  /^(test|ground_?truth|masks?|bad|ko|ng|no[tk]_?(good|ok)|nok|fail(ed)?|reject.*|defect.*|anomal.*|abnormal.*|fault.*)$/i;

/**
 * Whether a folder's name suggests that its images are not good. No such list is complete: what it does not know must
 * be safe for another reason.
 */
export function namesBad(folder: string): boolean {
  return NOT_GOOD.test(folder);
}
