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
  figures: [
    {
      title: 'Fig. 4: tray "wide"',
      caption: 'image, <maps>',
      encoded: Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 1),
      width: 20,
      height: 10,
    },
  ],
  facts: [{ label: 'Command', value: 'dskd benchmark grid.yaml' }],
});

test('is valid HTML, and every text is escaped', () => {
  expect(problemsOf(page)).toEqual([]);
  expect(page).toContain('&lt;b&gt;not bold&lt;/b&gt;');
});

test('columns of numbers are right-aligned, of text left-aligned; NaN is n/a', () => {
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

test('a figure is embedded in the page, with alternative text', () => {
  const { elements } = parseDocument(page);
  const [image] = elements.filter(({ tagName }) => tagName === 'img');
  expect(attribute(image!, 'src')).toBe('data:image/png;base64,iVBORwE=');
  expect(attribute(image!, 'alt')).toBe('image, <maps>');
  const headings = elements.filter(({ tagName }) => tagName === 'h2').map(textOf);
  expect(headings).toEqual([
    'Loss pairs & friends',
    'Nothing yet',
    'Fig. 4: tray "wide"',
    'How this was made',
  ]);
  expect(() =>
    renderBenchmarkReport({
      title: '',
      tables: [],
      figures: [{ title: '', caption: '', encoded: Uint8Array.of(1), width: 1, height: 1 }],
      facts: [],
    }),
  ).toThrow(/neither PNG/);
});
