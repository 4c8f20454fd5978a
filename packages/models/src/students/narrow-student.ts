import { presetArchitecture } from './architecture.js';
import type { StudentOptions } from './student-config.js';

/**
 * A student of the same blocks on the same maps with every width divided by `factor`: a small share of the
 * memory and about 1 / factor^2 of the multiply-adds. Its outputs keep the teacher's channels by heads (1x1
 * convolutions), so that an objective sees what it would see. For measuring what the whole one would cost.
 */
export function narrowStudent(options: StudentOptions, factor: number): StudentOptions {
  const base = { ...presetArchitecture(options.preset, options.levels), ...options.architecture };
  const narrow = (width: number): number => Math.max(1, Math.round(width / factor));
  const gccb = { ...base.gccb, ...options.gccb };
  return {
    ...options,
    gccb: undefined,
    architecture: {
      ...base,
      heads: true,
      decoderWidths: base.decoderWidths.map(narrow),
      fusionWidths: base.fusionWidths.map(narrow),
      phiChannels: narrow(base.phiChannels),
      gccb: { ...gccb, channels: narrow(gccb.channels) },
    },
  };
}
