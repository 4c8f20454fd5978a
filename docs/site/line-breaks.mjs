// Where lines of the site may break. Browsers break after each hyphen, so that a flag became `--` and `force`, and give a
// table of numbers columns of one word.

/** Words with a hyphen up to this length stay whole; longer ones would not fit on a phone. */
const LONGEST_WORD = 24;
/** Cells up to this length are one line: `128 px`, a date. */
const SHORT_CELL = 10;
/** Cells from this length are sentences, which need some width. */
const LONG_CELL = 60;

/** Keeps words with a hyphen together. `html` is what a renderer made of inline code. */
export const keepWords = (html) =>
  html.replace(/(<code[^>]*>)([^<]*)(<\/code>)/, (whole, before, text, after) => {
    const words = text.replace(/[^\s]*-[^\s]*/g, (word) =>
      word.length <= LONGEST_WORD ? `<span class="whole">${word}</span>` : word,
    );
    return before + words + after;
  });

/** What a reader sees of the Markdown in a cell. */
const shown = (content) => content.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*\\]/g, '');

/** `short`, `long` or undefined: the class of a cell. */
export function cellClass(content) {
  const text = shown(content);
  if (text.length <= SHORT_CELL || (!/\s/.test(text) && text.length <= LONGEST_WORD)) return 'short';
  return text.length >= LONG_CELL ? 'long' : undefined;
}

/** Whether the output of a program has columns, which a broken line would no longer show. */
export const hasColumns = (text) => /\S {2,}\S/.test(text);

/** Adds all of this to the Markdown renderer of the site; style.css has the rules for the classes. */
export function lineBreaks(md) {
  const { code_inline: inlineCode, fence } = md.renderer.rules;
  md.renderer.rules.code_inline = (...parts) => keepWords(inlineCode(...parts));
  md.renderer.rules.fence = (...parts) => {
    const [tokens, index] = parts;
    const { info, content } = tokens[index];
    const html = fence(...parts);
    return info.trim() === 'text' && hasColumns(content)
      ? html.replace('class="language-text', 'class="columns language-text')
      : html;
  };
  md.core.ruler.push('cells', ({ tokens }) => {
    for (const [index, token] of tokens.entries()) {
      if (token.type !== 'td_open') continue;
      const name = cellClass(tokens[index + 1].content);
      if (name) token.attrJoin('class', name);
    }
  });
}
