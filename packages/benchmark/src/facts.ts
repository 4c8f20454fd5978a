import type { BackboneName } from '@dskd/models';

/** A teacher's weight file on this machine. */
export interface TeacherFile {
  readonly name: BackboneName;
  readonly file: string;
  /** Of the file, hexadecimal. */
  readonly sha256: string;
}

/** The images of one category on this machine. */
export interface CategoryFacts {
  readonly name: string;
  /** The folder of the category. */
  readonly root: string;
  /** Of MVTec AD: the list of logical images. */
  readonly subsets?: string;
  readonly fingerprint: string;
  /** Good images it trains on (of which some may be held out) and test images. */
  readonly images: { readonly train: number; readonly test: number };
}
