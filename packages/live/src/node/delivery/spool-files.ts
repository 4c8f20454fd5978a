/** Of the alarms of a sink that wait, and of those that were refused. */
export interface SpoolLimits {
  /** Most alarms. */
  readonly alarms: number;
  /** Most bytes of their files. One alarm is always kept. */
  readonly bytes: number;
}

const NAME = /^(\d{12})\.alarm$/;

/** The name of the file of an alarm. Names are in the order of their numbers. */
export function fileName(sequence: number): string {
  return `${String(sequence).padStart(12, '0')}.alarm`;
}

/** The number of an alarm by the name of its file; undefined for other files. */
export function sequenceIn(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
