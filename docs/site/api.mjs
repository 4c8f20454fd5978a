// The API reference: one page for each entry point of each published package, by TypeDoc from the built declarations.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Application, Converter } from 'typedoc';
import { BUILD, PAGES, ROOT } from './routes.mjs';

/** Entry points of the published packages: what is imported, its declarations, and the page. */
export function entryPoints() {
  return readdirSync(path.join(ROOT, 'packages')).flatMap((folder) => {
    const manifest = JSON.parse(readFileSync(path.join(ROOT, 'packages', folder, 'package.json'), 'utf8'));
    if (manifest.private) return [];
    return Object.entries(manifest.exports)
      .filter(([, target]) => typeof target === 'object' && 'types' in target)
      .map(([subpath, { types }]) => ({
        specifier: path.posix.join(manifest.name, subpath),
        readme: `packages/${folder}.md`,
        types: path.join(ROOT, 'packages', folder, types),
        page: [folder, ...subpath.split('/').slice(1)].join('-'),
      }));
  });
}

/** Links the API pages of a package below the heading of its README. */
function linkReadme(readme, entries) {
  const file = path.join(PAGES, readme);
  const links = entries
    .filter((entry) => entry.readme === readme)
    .map(({ specifier, page }) => `[${specifier}](../api/${page}.md)`);
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    text.replace(/^# .*$/m, (heading) => `${heading}\n\nAPI reference: ${links.join(', ')}`),
  );
}

/** Writes PAGES/api. Needs the packages to be built. */
export async function writeApiReference() {
  const entries = entryPoints();
  const missing = entries.filter(({ types }) => !existsSync(types));
  if (missing.length > 0) throw new Error(`There is no ${missing[0].types}. Run: npm run types`);
  const folder = path.join(PAGES, 'api');
  mkdirSync(BUILD, { recursive: true });
  const tsconfig = path.join(BUILD, 'tsconfig.api.json');
  writeFileSync(
    tsconfig,
    JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
        types: ['node', '@webgpu/types'],
        strict: true,
        skipLibCheck: true,
      },
      files: entries.map(({ types }) => types),
    }),
  );
  const application = await Application.bootstrapWithPlugins({
    tsconfig,
    entryPoints: entries.map(({ types }) => types),
    plugin: ['typedoc-plugin-markdown'],
    out: folder,
    cleanOutputDir: false,
    outputFileStrategy: 'modules',
    readme: 'none',
    disableSources: true,
    excludeInternal: true,
    // What a class inherits from Node's own Error is documented there.
    excludeExternals: true,
    skipErrorChecking: true,
    hidePageHeader: true,
    hideBreadcrumbs: true,
    useCodeBlocks: true,
    expandParameters: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeDeclarationFormat: 'table',
    // Nearly every property is read-only, and a page says what an interface extends: the descriptions need the room.
    tableColumnSettings: { hideModifiers: true, hideInherited: true, hideOverrides: true },
    entryFileName: 'index',
    logLevel: 'Error',
    validation: false,
  });
  application.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) {
      const file = path.join(ROOT, 'packages', `${module.name}.d.ts`);
      const entry = entries.find(
        ({ types }) => types === file || types === file.replace(/\.d\.ts$/, '/index.d.ts'),
      );
      if (!entry) throw new Error(`TypeDoc names a module ${module.name}, which is no entry point.`);
      module.name = entry.page;
    }
  });
  const project = await application.convert();
  if (!project) throw new Error('TypeDoc could not read the declarations.');
  await application.generateOutputs(project);
  for (const { page, specifier, readme } of entries) {
    const file = path.join(folder, `${page}.md`);
    const text = readFileSync(file, 'utf8')
      .replace(/^# .*$/m, `# ${specifier}\n\nWhat it is for, with examples: [README](../${readme}).`)
      .replaceAll('__namedParameters', 'options')
      // A union begins with a bar where its members would be lines of their own.
      .replaceAll(/(\n\n *|\| )\\\| (?=`|\[|\\?{)/g, '$1')
      // One section for all errors of a function.
      .replaceAll(/(?<=^#+ Throws\n\n[^#]*)^#+ Throws\n\n/gm, '')
      // TypeDoc numbers the anchor of a re-exported type that is also a value; its page has one heading for both.
      .replaceAll(/\]\(([\w-]+\.md#\w+)-1\)/g, ']($1)');
    writeFileSync(file, text);
  }
  for (const readme of new Set(entries.map((entry) => entry.readme))) linkReadme(readme, entries);
  const rows = entries.map(({ page, specifier }) => `- [\`${specifier}\`](./${page}.md)`);
  writeFileSync(
    path.join(folder, 'index.md'),
    `# API reference\n\nOne page for each entry point, made from the declarations of the packages.\n\n${rows.join('\n')}\n`,
  );
  return entries;
}
