import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { DskdError } from '@dskd/base';

/**
 * Resolves the modules of packages that extend dskd.
 * @param names package names or paths, resolved as by an `import` in a file in `folder`.
 * @param folder the working folder.
 * @throws {DskdError} `file-not-found` naming the package that is not found.
 */
export async function pluginModules(names: readonly string[] = [], folder = process.cwd()): Promise<URL[]> {
  if (names.length === 0) return [];
  // Only here: most commands have no plugins, and start sooner without.
  const { moduleResolve } = await import('import-meta-resolve');
  return names.map((name) => {
    try {
      return moduleOf(name, path.join(folder, 'dskd.js'), moduleResolve);
    } catch (cause) {
      throw new DskdError('file-not-found', `Cannot find the plugin ${name} from ${folder}.`, {
        hint: isNotExported(cause)
          ? 'Its package.json must export "." under "import", "require" or "default".'
          : `Install it there (npm install ${name}), or give a path that begins with ./ to --plugin.`,
        details: { plugin: name, folder },
        cause,
      });
    }
  });
}

/**
 * Imports packages that extend dskd, for example one that registers a method.
 * @param names as for {@link pluginModules}.
 * @throws {DskdError} `file-not-found` if a package is not found, `plugin-failed` if its import throws.
 */
export async function loadPlugins(names: readonly string[], folder = process.cwd()): Promise<void> {
  for (const name of names) {
    const [{ href }] = (await pluginModules([name], folder)) as [URL];
    try {
      await import(href);
    } catch (cause) {
      throw new DskdError(
        'plugin-failed',
        `The plugin ${name} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}.`,
        { hint: `It was imported from ${href}.`, details: { plugin: name, file: href }, cause },
      );
    }
  }
}

type ModuleResolve = (typeof import('import-meta-resolve'))['moduleResolve'];

/**
 * A package is resolved as by an `import`; one that only `require` can find is accepted as well. A path is not a URL:
 * `%` and `#` have no special meaning in it, and the extension may be left out.
 */
function moduleOf(name: string, parent: string, resolve: ModuleResolve): URL {
  const required = (): URL => pathToFileURL(createRequire(parent).resolve(name));
  if (path.isAbsolute(name) || /^\.\.?([/\\]|$)/.test(name)) return required();
  try {
    return resolve(name, pathToFileURL(parent));
  } catch (error) {
    try {
      return required();
    } catch {
      throw error;
    }
  }
}

function isNotExported(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED';
}
