// Code blocks and commands in the pages.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT, routes } from './routes.mjs';

/** Pages whose examples must hold today: decisions keep the commands of their date. */
const current = () => routes().filter(({ file }) => !file.startsWith('docs/decisions/'));

/** Fenced blocks: `{ file, line, language, code }`. The language is the whole text after the fence: `ts`, `ts page`. */
function blocksOf(file) {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return [...text.matchAll(/^([ \t]*)```([^\n`]*)\n([\s\S]*?)^[ \t]*```[ \t]*$/gm)].map((match) => ({
    file,
    line: text.slice(0, match.index).split('\n').length,
    language: match[2].trim(),
    code: match[3].replace(new RegExp(`^${match[1]}`, 'gm'), ''),
  }));
}

/** TypeScript of the pages that are written for the site; README examples of packages are run by the tests of each. */
export function typescriptBlocks() {
  return current()
    .filter(({ file }) => file === 'README.md' || file.startsWith('docs/'))
    .flatMap(({ file }) => blocksOf(file))
    .filter(({ language }) => /^ts\b/.test(language));
}

/** Words of a command line; quotes are taken off. */
const wordsOf = (command) =>
  [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, word]) => single ?? double ?? word,
  );

/** Lines of a shell script, with continued lines joined. */
const commandLines = (script) => script.replace(/\\\n\s*/g, '').split('\n');

/** Every use of the `dskd` command in a block or in inline code: `{ file, command, words }`, without `npx dskd`. */
export function dskdCommands() {
  return current().flatMap(({ file }) => {
    const inBlocks = blocksOf(file)
      .filter(({ language }) => language === 'sh')
      .flatMap(({ code }) => commandLines(code));
    const prose = readFileSync(path.join(ROOT, file), 'utf8').replace(/^[ \t]*```[\s\S]*?^[ \t]*```/gm, '');
    const inline = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code);
    return [...inBlocks, ...inline].flatMap((command) => {
      const found = /^(?:npx |node \S*)?dskd(?:\.js)? (?=\S)(.*)$/.exec(command.trim());
      if (!found) return [];
      return [{ file, command: command.trim(), words: wordsOf(found[1].replace(/\s[#>|].*$/, '')) }];
    });
  });
}

/** The guide that is run from its first command to its last: blocks of `sh`, each with the `text` that it prints. */
export function session(file) {
  const blocks = blocksOf(file);
  return blocks.flatMap(({ language, code }, index) => {
    if (language !== 'sh') return [];
    const next = blocks[index + 1];
    const prints = next?.language === 'text' ? next.code.trim().split('\n') : [];
    return [{ commands: commandLines(code).filter((line) => line.startsWith('npx dskd ')), prints }];
  });
}

/** The shell script in a section of a page, and the lines that it prints. */
export function scriptOf(file, heading) {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  const first = text.slice(0, text.indexOf(`\n## ${heading}\n`) + 1).split('\n').length;
  const blocks = blocksOf(file).filter(({ line }) => line > first);
  const [script, prints] = blocks;
  return { script: script.code, prints: prints.code.trim().split('\n') };
}
