import type { ScoredSample } from '@dskd/metrics';

/** The panels of an image, all of one size, as data URLs (PNG, JPEG or WebP). */
export interface GalleryImages {
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  readonly input: string;
  /** The input with a contour around the defect; where there is one and it is known. */
  readonly groundTruth?: string;
  readonly fused: string;
  readonly branches: Readonly<Record<string, string>>;
}

/** An image, what was said of it, and its panels. */
export interface GalleryImage extends ScoredSample {
  /** The heading under which it stands, with those of the same group. Default `Images`. */
  readonly group?: string;
  readonly images: GalleryImages;
}
