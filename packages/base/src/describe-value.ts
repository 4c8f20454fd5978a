const SHOWN = 60;

/**
 * What a value is, for the message of an error about an argument: `undefined`, `NaN`, `the string "a.png"`, `a Buffer of
 * 20 elements`, `an object with path, size`.
 */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') {
    return `the string ${JSON.stringify(value.length > SHOWN ? `${value.slice(0, SHOWN)}...` : value)}`;
  }
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  const { constructor } = value as { readonly constructor?: { readonly name?: unknown } };
  const name =
    typeof constructor === 'function' && typeof constructor.name === 'string' ? constructor.name : '';
  if (Array.isArray(value)) return `an array of ${value.length} elements`;
  if (ArrayBuffer.isView(value)) {
    const { length } = value as { readonly length?: number };
    return `a ${name} of ${length ?? value.byteLength} elements`;
  }
  if (name !== '' && name !== 'Object') return `an object of the class ${name}`;
  const keys = Object.keys(value).slice(0, 6).join(', ');
  return keys === '' ? 'an object without entries' : `an object with ${keys}`;
}
