import { attribute, parseDocument, problemsOf, textOf } from './document.test.util.js';
import { renderBenchmarkReport } from './render-benchmark-report.js';

const page = renderBenchmarkReport({
  title: 'Table 5 <on the synthetic categories>',
  tables: [
    {
      caption: 'Loss pairs & friends',
      columns: ['category', 'local', 'global', 'remark'],
      rows: [
        ['tray', 0.912, '0.90 ± 0.02', '<b>not bold</b>'],
        ['bag', NaN, '–', ''],
      ],
    },
    { caption: 'Nothing yet', columns: ['category', 'value'], rows: [] },
  ],
  facts: [{ label: 'Command', value: 'dskd benchmark grid.yaml' }],
});

test('valid, and every text is escaped', () => {
  expect(problemsOf(page)).toEqual([]);
  expect(page).toContain('&lt;b&gt;not bold&lt;/b&gt;');
});

test('columns of numbers stand to the right, texts to the left; NaN is n/a', () => {
  const { elements } = parseDocument(page);
  const cells = elements.filter(({ tagName }) => tagName === 'td');
  expect(cells.map((cell) => [textOf(cell), attribute(cell, 'class')])).toEqual([
    ['0.912', 'number'],
    ['0.90 ± 0.02', 'number'],
    ['<b>not bold</b>', undefined],
    ['n/a', 'number'],
    ['–', 'number'],
    ['', undefined],
  ]);
});
