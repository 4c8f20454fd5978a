// node docs/site/check-snippets.mjs: type-checks the TypeScript of the pages, and compares commands and options of `dskd` in
// all documents with the program. What the examples print is tested in the slow tier.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD, ROOT } from './routes.mjs';
import { dskdCommands, typescriptBlocks } from './snippets.mjs';

const ALWAYS = ['--help', '--help-all', '--version', '--json', '--debug', '-h', '-V'];

/** Commands and options that the program does not have. */
async function unknownCommands() {
  const dist = path.join(ROOT, 'packages/cli/dist');
  const { COMMANDS } = await import(path.join(dist, 'commands/index.js'));
  const { commanderCommand } = await import(path.join(dist, 'define-command.js'));
  const uses = dskdCommands();
  if (uses.length === 0) throw new Error('The documents contain no dskd command.');
  const problems = [];
  for (const { file, command, words } of uses) {
    const [name] = words;
    if (ALWAYS.includes(name) || ['COMMAND', 'help', '…'].includes(name)) continue;
    if (!Object.hasOwn(COMMANDS, name)) {
      problems.push(`${file}: no command ${name}: ${command}`);
      continue;
    }
    const top = commanderCommand(await COMMANDS[name]());
    const named = top.commands.find((child) => child.name() === words[1]) ?? top;
    const known = named.options.flatMap(({ long, short }) => [long, short]);
    for (const word of words) {
      const flag = word.split('=')[0];
      if (!/^--?[a-z]/i.test(flag) || ALWAYS.includes(flag) || known.includes(flag)) continue;
      problems.push(`${file}: dskd ${name} has no option ${flag}: ${command}`);
    }
  }
  return { problems, count: uses.length };
}

/** Compiler errors of the TypeScript blocks, with the page of each. */
function typeErrors() {
  const folder = path.join(BUILD, 'snippets');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const blocks = typescriptBlocks();
  const names = blocks.map(({ file, line }) => `${file.replaceAll(/[/.]/g, '-')}-line-${line}.mts`);
  // Without imports a file would be a script, and its names global.
  for (const [index, { code }] of blocks.entries())
    writeFileSync(path.join(folder, names[index]), `${code}\nexport {};\n`);
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    noEmit: true,
  };
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: names }));
  const tsc = path.join(
    path.dirname(createRequire(import.meta.url).resolve('@typescript/native/package.json')),
    'bin/tsc',
  );
  try {
    execFileSync(process.execPath, [tsc, '-p', folder], { cwd: folder, encoding: 'utf8' });
    return { problems: [], count: blocks.length };
  } catch (error) {
    return { problems: String(error.stdout).trim().split('\n'), count: blocks.length };
  }
}

/** @returns problems, one text each. */
export async function checkSnippets() {
  const commands = await unknownCommands();
  const types = typeErrors();
  console.log(`${commands.count} dskd commands and ${types.count} TypeScript blocks checked`);
  return [...commands.problems, ...types.problems];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = await checkSnippets();
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
