import { code, type Code } from '@dskd/base/web-assembly';
import { FLOAT } from './heap.js';

// Instructions on vectors of four float32, for the assemblies of this package.

/** Numbers of a vector, and its bytes. */
export const UNIT = 4;
export const VECTOR = UNIT * FLOAT;

export const load = (offset: number): Code => code.vectorAt(0, offset);
/** Loads one number into all lanes. */
export const loadSplat = (offset: number): Code => code.vectorAt(9, offset);
export const store = (offset: number): Code => code.vectorAt(11, offset);
export const NEGATE = code.vector(225);
export const ROOT = code.vector(227);
export const ADD = code.vector(228);
export const SUBTRACT = code.vector(229);
export const MULTIPLY = code.vector(230);
export const DIVIDE = code.vector(231);
export const MIN = code.vector(232);
export const MAX = code.vector(233);
/** Each lane all ones where it is so, else all zeros. */
export const EQUAL = code.vector(65);
export const LESS = code.vector(67);
/** Bitwise. */
export const AND = code.vector(78);
/** Bits of the first that are 0 in the second. */
export const AND_NOT = code.vector(79);
export const OR = code.vector(80);
/** Bits of the first where those of the third are 1, else of the second. */
export const SELECT = code.vector(82);
