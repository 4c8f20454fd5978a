import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { DskdError } from '@dskd/base';

/**
 * Imports packages that extend dskd, for instance one that registers a method.
 * @param names package names or paths, resolved as by a file in `folder`.
 * @param folder the working folder.
 * @throws {DskdError} `file-not-found` where a package is not found, `plugin-failed` where its import throws.
 */
export async function loadPlugins(names: readonly string[], folder = process.cwd()): Promise<void> {
  const require = createRequire(path.join(folder, 'dskd.js'));
  for (const name of names) {
    let file: string;
    try {
      file = require.resolve(name);
    } catch (cause) {
      throw new DskdError('file-not-found', `Cannot find the plugin ${name} from ${folder}.`, {
        hint: isNotExported(cause)
          ? 'Its package.json must export a file under "default", not under "import" alone.'
          : `Install it there (npm install ${name}), or give a path that begins with ./ to --plugin.`,
        details: { plugin: name, folder },
        cause,
      });
    }
    try {
      await import(pathToFileURL(file).href);
    } catch (cause) {
      throw new DskdError(
        'plugin-failed',
        `The plugin ${name} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}.`,
        { hint: `It was imported from ${file}.`, details: { plugin: name, file }, cause },
      );
    }
  }
}

function isNotExported(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED';
}
