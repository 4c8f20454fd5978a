import type { PreparedImages, Sample } from '@dskd/data';
import type { LearnedImage } from '../artifact/description.js';

/** An id that says where a file lies on a machine: an absolute path, or an address. */
const ABSOLUTE = /^(?:[/\\]|[a-z][a-z+.-]*:)/i;

/** The artifact says nothing of the machine: of such an id the name is left. */
function nameOf(id: string): string {
  return ABSOLUTE.test(id) ? id.slice(Math.max(id.lastIndexOf('/'), id.lastIndexOf('\\')) + 1) : id;
}

/** What the artifact keeps of images that were learned. They were read already. */
export async function learnedImages(
  samples: readonly Sample[],
  images: PreparedImages,
): Promise<LearnedImage[]> {
  const placements = await images.placements(samples.map((_, index) => index));
  return samples.map(({ id }, index) => {
    const { width, height } = placements[index]!.image;
    return { id: nameOf(id), width, height };
  });
}
