import type { PreparedImages, Sample } from '@dskd/data';
import type { LearnedImage } from '../artifact/description.js';

/** What the artifact keeps of images that were learned. They were read already. */
export async function learnedImages(
  samples: readonly Sample[],
  images: PreparedImages,
): Promise<LearnedImage[]> {
  const placements = await images.placements(samples.map((_, index) => index));
  return samples.map(({ id }, index) => {
    const { width, height } = placements[index]!.image;
    return { id, width, height };
  });
}
