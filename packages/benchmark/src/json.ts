/** Stands for NaN, which JSON cannot represent. */
const NOT_A_NUMBER = 'NaN';

/** JSON in which NaN survives. */
export const toJson = (value: unknown, space?: number): string =>
  JSON.stringify(value, (_, inner: unknown) => (Number.isNaN(inner) ? NOT_A_NUMBER : inner), space);

export const fromJson = (text: string): unknown =>
  JSON.parse(text, (_, inner: unknown) => (inner === NOT_A_NUMBER ? Number.NaN : inner));
