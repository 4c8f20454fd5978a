import type { StudentFacts } from './cell.js';
import { cellsOf } from './plan.js';
import { facts, planOf, TEACHER } from './grid.test.util.js';
import { parseConfig } from './config.js';
import { planGrid, type Plan } from './plan.js';

const studentFacts = (plan: Plan): StudentFacts[] =>
  cellsOf(plan).flatMap(({ facts: each }) => ('branch' in each ? [each] : []));
const idsOf = (plan: Plan): string[] => cellsOf(plan).map(({ id }) => id);

test('Tables 4 and 5 train six students per category and seed, and combine them in fifteen ways', () => {
  const plan = planOf({});
  expect(plan.groups).toHaveLength(4);
  for (const { cells, combinations } of plan.groups) {
    expect(cells).toHaveLength(6);
    expect(combinations).toHaveLength(6 + 9);
  }
  expect(new Set(idsOf(plan)).size).toBe(24);
});

test('an additional table trains only students that no other table has', () => {
  const before = new Set(idsOf(planOf({})));
  const after = idsOf(planOf({ tables: ['table1', 'table2', 'table4', 'table5'] }));
  expect(new Set(after)).toEqual(before);
  const temperatures = idsOf(planOf({ tables: ['table5', 'fig6'] }));
  // Temperature 1 is already planned; five others remain, for two categories and two seeds.
  expect(temperatures.filter((id) => !before.has(id))).toHaveLength(5 * 4);
});

test('adding categories and seeds keeps the identity of planned students', () => {
  const few = idsOf(planOf({ seeds: [1] }, ['tray']));
  const many = new Set(idsOf(planOf({ seeds: [1, 2, 3] }, ['tray', 'box', 'bag'])));
  expect(few.every((id) => many.has(id))).toBe(true);
});

test('the identity changes with everything that determines a student, and with nothing else', () => {
  const [reference] = idsOf(planOf({ tables: ['table4'] }));
  const first = (change: object): string => idsOf(planOf({ tables: ['table4'], ...change }))[0]!;
  expect(first({ settings: { epochs: 11 } })).not.toBe(reference);
  expect(first({ settings: { sigma: 3 } })).not.toBe(reference);
  expect(first({ settings: { localLearningRate: 0.004 } })).not.toBe(reference);
  // A local student with the per-pixel cosine loss has neither a temperature nor a condensing block.
  expect(first({ settings: { temperature: 2, gccbChannels: 32, globalLearningRate: 0.1 } })).toBe(reference);
  expect(first({ results: 'elsewhere', processes: 3, name: 'other' })).toBe(reference);

  const config = parseConfig({ data: 'x', tables: ['table4'] });
  const around = facts(['tray']);
  const other = (change: object): string => idsOf(planGrid(config, { ...around, ...change }))[0]!;
  const same = other({});
  expect(other({ teacher: () => ({ ...TEACHER, sha256: '0'.repeat(64) }) })).not.toBe(same);
  expect(other({ teacher: () => ({ ...TEACHER, file: '/elsewhere' }) })).toBe(same);
  expect(other({ versions: { '@dskd/detector': '0.2.0' } })).not.toBe(same);
  expect(other({ backend: 'cpu' })).not.toBe(same);
  const moved = { ...around.categories[0]!, root: '/moved' };
  expect(other({ categories: [moved] })).toBe(same);
  expect(other({ categories: [{ ...moved, fingerprint: 'changed' }] })).not.toBe(same);
});

test('varied settings give separate tables', () => {
  const plan = planOf({ tables: ['table2'], vary: { epochs: [5, 10], preset: ['nano', 'lite'] } });
  expect(plan.tables.map(({ variant }) => variant)).toEqual([
    'preset nano, epochs 5',
    'preset nano, epochs 10',
    'preset lite, epochs 5',
    'preset lite, epochs 10',
  ]);
  expect(cellsOf(plan)).toHaveLength(2 * 2 * 4 * 2);
});

test('students of different sizes are not scored together', () => {
  const plan = planOf({ tables: ['table2'], vary: { size: [128, 256] } });
  expect(plan.groups).toHaveLength(2 * 2 * 2);
  for (const { cells } of plan.groups) {
    expect(new Set(cells.map(({ facts: each }) => each.inputSize[0])).size).toBe(1);
  }
});

test('Table 6 sets g as a fraction of the input channels of the block', () => {
  const channels = (preset: 'nano' | 'paper'): (number | undefined)[] =>
    studentFacts(planOf({ tables: ['table6'], seeds: [1], settings: { preset } }, ['tray']))
      .filter(({ branch }) => branch === 'global')
      .map(({ gccb }) => gccb?.channels);
  expect(channels('nano')).toEqual([undefined, 64, 96, 128, 160, 256]);
  // SqueezeNet's deepest level has 512 channels, phi 1024.
  expect(channels('paper')).toEqual([undefined, 256, 384, 512, 640, 1024]);
});

test('the default learning rate depends on the loss', () => {
  const rates = studentFacts(planOf({ tables: ['table4'], seeds: [1] }, ['tray'])).map((each) => [
    each.objective.name,
    each.learningRate,
  ]);
  expect(new Set(rates.map((each) => each.join(' ')))).toEqual(
    new Set(['perPixelCosine 0.005', 'flattenedCosine 0.005', 'contextualAffinity 0.001']),
  );
});

test('figures use the students of the tables, for the first seed', () => {
  const tables = idsOf(planOf({ tables: ['table1'] }));
  const { panels, ...plan } = planOf({ tables: ['table1', 'fig4', 'fig5'] });
  expect(cellsOf(plan).map(({ id }) => id)).toEqual(tables);
  expect(panels.map(({ name, category, seed }) => [name, category.name, seed])).toEqual([
    ['fig4', 'tray', 1],
    ['fig4', 'box', 1],
    ['fig5', 'tray', 1],
    ['fig5', 'box', 1],
  ]);
  expect(panels[0]!.cells.map(({ facts: each }) => each.branch)).toEqual(['local', 'global']);
});

test('other methods get rows in the tables that compare methods, a detector for each category and seed', () => {
  const methods = [
    { name: 'vm', profile: 'paper', teacher: false },
    { name: 'instant', profile: 'lite', teacher: true },
  ];
  const config = parseConfig({
    data: 'somewhere',
    tables: ['table2', 'table4'],
    methods: ['vm', 'instant'],
    settings: { augment: 'gcad' },
  });
  const plan = planGrid(config, { ...facts(['tray']), methods });
  const [table2, table4] = plan.tables;
  expect(table2!.definition.rows.map(({ label }) => label.join())).toEqual([
    'VM (vm)',
    'instant',
    'local student',
    'global student',
    'both (DSKD)',
  ]);
  expect(table2!.definition.rows[0]!.published).toMatchObject({ 'image AUROC mean': 0.577 });
  expect(table2!.definition.others.map(({ label }) => label[0])).not.toContain('VM');
  expect(table4!.definition.rows).toHaveLength(6);
  const own = cellsOf(plan).filter(({ facts: each }) => 'method' in each);
  expect(own.map(({ facts: each, teacherFile }) => [each, teacherFile])).toMatchObject([
    [{ method: 'vm', profile: 'paper', teacher: null, training: { augment: 'none' } }, null],
    [{ method: 'instant', profile: 'lite', teacher: { name: TEACHER.name } }, TEACHER.file],
  ]);
  // Each scores alone; the students score together.
  expect(plan.groups.map(({ cells }) => cells.length).sort()).toEqual([1, 1, 6]);
  const alone = planGrid({ ...config, students: false }, { ...facts(['tray']), methods });
  expect(alone.tables.map(({ rows }) => rows.length)).toEqual([2, 6]);
  const without = planGrid(
    parseConfig({ data: 'somewhere', tables: ['table2'], settings: { augment: 'gcad' } }),
    facts(['tray']),
  );
  expect(idsOf(plan)).toEqual(expect.arrayContaining(idsOf(without)));
});
