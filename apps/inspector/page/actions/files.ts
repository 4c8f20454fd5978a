import { isPassedOver } from '@dskd/data/web';
import { fromEvent, type FileWithPath } from 'file-selector';

interface NamedFile {
  readonly id: string;
  readonly file: File;
}

/** A path as a folder's files have it, without the marks that some browsers put before it. */
function pathOf(file: File): string {
  const { path, relativePath } = file as Partial<FileWithPath>;
  const given = file.webkitRelativePath || relativePath || path || file.name;
  return given.replace(/^(\.?\/)+/, '');
}

/**
 * The files of a drop, a paste or an input element, with those in dropped folders, in the order of their paths. Files that operating
 * systems keep beside others are left out.
 */
export async function filesOf(event: Event): Promise<NamedFile[]> {
  const given = await fromEvent(event);
  const files = given.flatMap((entry) => {
    const file = entry instanceof File ? entry : entry.getAsFile();
    if (!file) return [];
    const id = pathOf(file);
    return id.split('/').some(isPassedOver) ? [] : [{ id, file }];
  });
  return files.sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
}

/** A name that none of `taken` has. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  for (let count = 2; ; count++) {
    const next = `${name} (${count})`;
    if (!taken.has(next)) return next;
  }
}

/** Gives a file to the user. */
export function download(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser has read the address by the time of the next task but one.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
