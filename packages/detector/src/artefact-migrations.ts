/** A description that was parsed but not yet checked. */
type Unchecked = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Unchecked {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Format 2 says how pictures are fitted, how students are stored, whether pixels are ignored, and has one
 * training record per run. What format 1 had no word for did not exist. What does not look like format 1 is
 * left for the schema to name.
 */
function fromFormat1({ resize, training, branches, ...rest }: Unchecked): Unchecked {
  const names = Array.isArray(branches)
    ? branches.map((branch: unknown) => (isRecord(branch) ? branch.name : undefined))
    : [];
  return {
    ...rest,
    format: 2,
    resize:
      resize === 'squeeze-bilinear-antialiased'
        ? { fit: 'squeeze', filter: 'bilinear-antialiased', fill: null }
        : resize,
    storage: 'float32',
    ignored: false,
    branches,
    trainings: [
      isRecord(training) ? { ...training, branches: names, augmentation: null, options: {} } : training,
    ],
  };
}

/** From each older format to the next one. */
const STEPS: ReadonlyMap<number, (description: Unchecked) => Unchecked> = new Map([[1, fromFormat1]]);

/** The oldest format that can still be read. */
export const OLDEST_FORMAT = 1;

/** Brings a description of an older format to the current one, step by step. */
export function migrateDescription(description: Unchecked, format: number): Unchecked {
  let current = description;
  for (let from = format, step = STEPS.get(from); step; from++, step = STEPS.get(from))
    current = step(current);
  return current;
}
