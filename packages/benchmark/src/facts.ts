import type { BackboneName } from '@dskd/models';

/** A teacher's weight file on this machine. */
export interface TeacherFile {
  readonly name: BackboneName;
  readonly file: string;
  /** Of the file, hexadecimal. */
  readonly sha256: string;
}

/** The pictures of one category on this machine. */
export interface CategoryFacts {
  readonly name: string;
  /** The folder of the category. */
  readonly root: string;
  /** Of MVTec AD: the list of logical pictures. */
  readonly subsets?: string;
  readonly fingerprint: string;
  /** Good pictures it trains on (of which some may be held out) and test pictures. */
  readonly pictures: { readonly train: number; readonly test: number };
}
