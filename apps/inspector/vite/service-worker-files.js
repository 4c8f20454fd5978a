import { createHash } from 'node:crypto';

/** What `page/sw.ts` has in place of the list of files. */
const PLACE = 'self.__FILES';

/** Not needed to open the page. */
const LEFT_OUT = /(\.map|licenses\.md|^sw\.js)$/;

/**
 * Vite plugin: writes the list of all built files into the service worker, each with a hash of its content. Files that
 * Vite names by their content keep their name as the only revision.
 */
export function serviceWorkerFiles() {
  return {
    name: 'service-worker-files',
    apply: 'build',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const worker = Object.values(bundle).find(({ fileName }) => fileName === 'sw.js');
        if (!worker) return;
        const files = Object.values(bundle)
          .filter(({ fileName }) => !LEFT_OUT.test(fileName))
          .map((file) => {
            const content = file.type === 'chunk' ? file.code : file.source;
            const isNamedByContent = file.fileName.startsWith('assets/');
            return {
              url: file.fileName,
              revision: isNamedByContent
                ? null
                : createHash('sha256').update(content).digest('hex').slice(0, 16),
            };
          });
        if (!worker.code.includes(PLACE)) throw new Error(`sw.js has no ${PLACE}`);
        worker.code = worker.code.replace(PLACE, JSON.stringify(files));
      },
    },
  };
}
