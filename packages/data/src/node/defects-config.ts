/** How much of a region is to be found for full marks. */
export interface DefectKind {
  readonly name: string;
  /** A share of the region's area (relative), or a number of pixels at the image's own size. */
  readonly saturationThreshold: number;
  readonly relativeSaturation: boolean;
}

/** The kinds of defects of a category by the value that marks them in masks. */
export type DefectKinds = ReadonlyMap<number, DefectKind>;

/**
 * The pixels of a region that are to be found for full marks, as MVTec's own evaluation counts them: of a relative
 * threshold the fraction of a pixel is cut off, an absolute one is no more than the region's area. 0 where a relative
 * threshold comes to less than a pixel: that evaluation would divide by zero.
 */
export function saturationAreaOf(
  { saturationThreshold, relativeSaturation }: DefectKind,
  area: number,
): number {
  if (relativeSaturation) return Math.trunc(saturationThreshold * area);
  return Math.min(saturationThreshold, area);
}

type Fields = Readonly<Record<string, unknown>>;

function problemsOfEntry({
  defect_name: name,
  pixel_value: value,
  saturation_threshold: threshold,
  relative_saturation: relative,
}: Fields): string[] {
  const problems: string[] = [];
  const wrong = (field: string, got: unknown, wanted: string): void => {
    const shown = got === undefined ? 'missing' : JSON.stringify(got);
    problems.push(`${field} is ${shown}; wanted ${wanted}`);
  };
  if (typeof name !== 'string' || name === '') wrong('defect_name', name, 'a name');
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > 255) {
    wrong('pixel_value', value, 'a whole number from 1 to 255');
  }
  if (typeof relative !== 'boolean') wrong('relative_saturation', relative, 'true or false');
  else if (typeof threshold !== 'number' || threshold <= 0) {
    wrong('saturation_threshold', threshold, 'a number above 0');
  } else if (relative && threshold > 1) {
    wrong('saturation_threshold', threshold, "at most 1, a share of the region's area (it is relative)");
  } else if (!relative && !Number.isInteger(threshold)) {
    wrong('saturation_threshold', threshold, 'a whole number of pixels (it is not relative)');
  }
  return problems;
}

/**
 * Reads the text of a `defects_config.json` of MVTec LOCO AD.
 * @returns the kinds of defects, and everything that is wrong; the kinds count only where nothing is.
 */
export function parseDefectsConfig(text: string): { kinds: DefectKinds; problems: string[] } {
  const kinds = new Map<number, DefectKind>();
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch (error) {
    return { kinds, problems: [`not JSON (${(error as Error).message})`] };
  }
  if (!Array.isArray(entries)) return { kinds, problems: ['not a list of kinds of defects'] };
  const problems: string[] = [];
  for (const [index, entry] of (entries as unknown[]).entries()) {
    const place = `entry ${index + 1}`;
    if (typeof entry !== 'object' || entry === null) {
      problems.push(`${place} is ${JSON.stringify(entry)}; wanted a kind of defect`);
      continue;
    }
    const fields = entry as Fields;
    const wrong = problemsOfEntry(fields);
    problems.push(...wrong.map((problem) => `${place}: ${problem}`));
    if (wrong.length > 0) continue;
    const value = fields.pixel_value as number;
    const kind: DefectKind = {
      name: fields.defect_name as string,
      saturationThreshold: fields.saturation_threshold as number,
      relativeSaturation: fields.relative_saturation as boolean,
    };
    const same = kinds.get(value);
    if (same) problems.push(`${place}: ${kind.name} has the pixel_value ${value} of ${same.name}`);
    else kinds.set(value, kind);
  }
  return { kinds, problems };
}
