import path from 'node:path';

/** The name of a file without extension, then the names of its folders from the innermost outwards. */
function partsOf(file: string): string[] {
  const { dir, name } = path.parse(path.normalize(file));
  const folders = dir.split(path.sep).filter((part) => part !== '' && part !== '.' && part !== '..');
  return [...folders, name].reverse();
}

function countOf(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** The file systems of Windows and macOS ignore case. */
const sameAs = (name: string): string => name.toLowerCase();

/** Distinct names for files that share a name: each with as many of its folders in front as are needed. */
function stemsOf(files: readonly string[]): Map<string, string> {
  const stems = new Map<string, string>();
  const parts = files.map(partsOf);
  const depth = Math.max(...parts.map(({ length }) => length));
  for (let count = 1; count <= depth && stems.size < files.length; count++) {
    const tails = parts.map((all) => all.slice(0, count).reverse().join('-'));
    const counts = countOf(tails.map(sameAs));
    tails.forEach((tail, index) => {
      const file = files[index]!;
      if (!stems.has(file) && counts.get(sameAs(tail)) === 1) stems.set(file, tail);
    });
  }
  for (const file of files) if (!stems.has(file)) stems.set(file, path.basename(file));
  return stems;
}

/**
 * Distinct names for the overlays of images: `NAME.overlay.png`. Where images in different folders share a name, folders
 * are put in front: `spot-000.overlay.png`. Files that differ only in their extension keep it: `a.jpg.overlay.png`.
 * Otherwise a number is added.
 */
export function overlayNames(files: readonly string[]): Map<string, string> {
  const groups = new Map<string, string[]>();
  for (const file of files) {
    const name = sameAs(partsOf(file)[0]!);
    groups.set(name, [...(groups.get(name) ?? []), file]);
  }
  const names = new Map<string, string>();
  const used = new Set<string>();
  for (const alike of groups.values()) {
    for (const [file, stem] of stemsOf(alike)) {
      let name = stem;
      for (let count = 2; used.has(sameAs(name)); count++) name = `${stem}-${count}`;
      used.add(sameAs(name));
      names.set(file, `${name}.overlay.png`);
    }
  }
  return names;
}
