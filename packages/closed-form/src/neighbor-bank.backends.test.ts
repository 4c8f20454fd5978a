import { describeBackends, expectClose, expectNoNewTensors, readGolden } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs';
import { firstMaximum } from './first-maximum.js';
import { NeighborBank, type Nearest, type Rows } from './index.js';
import { distance, goldenRows, normalRows, rowsOf } from './rows.test.util.js';

async function search(bank: Rows, queries: Rows): Promise<Nearest> {
  return await expectNoNewTensors(async () => {
    const made = new NeighborBank(bank);
    const tensor = tf.tensor2d(queries.data, [queries.count, queries.width]);
    try {
      return await made.nearest(tensor);
    } finally {
      tensor.dispose();
      made.dispose();
    }
  });
}

/** The smallest distance of each query in float64. */
function smallest(bank: Rows, queries: Rows): number[] {
  return Array.from({ length: queries.count }, (_, query) => {
    let least = Infinity;
    for (let row = 0; row < bank.count; row++) least = Math.min(least, distance(queries, query, bank, row));
    return least;
  });
}

describeBackends('NeighborBank', () => {
  test('agrees with scikit-learn', async () => {
    const golden = await readGolden(new URL('../test/fixtures/closed-form.safetensors', import.meta.url));
    const bank = goldenRows(golden, 'bank.rows');
    const { distances, indices } = await search(bank, goldenRows(golden, 'bank.queries'));
    expect([...indices]).toEqual([...golden.array('bank.indices').data]);
    expectClose(distances, golden.array('bank.distances').data, { relative: 1e-7 });
  });

  test('hand values; of equally near rows the lowest index', async () => {
    const bank = rowsOf([
      [4, 0],
      [0, 0],
      [0, 2],
      [0, 0],
    ]);
    const queries = rowsOf([
      [0, 1],
      [4, 3],
      [0, 0],
      [2, 0],
      [-3, -4],
    ]);
    const { distances, indices } = await search(bank, queries);
    expect([...indices]).toEqual([1, 0, 1, 0, 1]);
    expect([...distances]).toEqual([1, 3, 0, 2, 5]);
  });

  test('several blocks of queries and of rows agree with all distances in float64', async () => {
    const bank = normalRows(1, 4300, 3);
    const queries = normalRows(2, 1040, 3);
    const { distances, indices } = await search(bank, queries);
    expectClose(distances, smallest(bank, queries), { absolute: 1e-6 });
    indices.forEach((index, query) => {
      expect(Math.fround(distance(queries, query, bank, index))).toBe(distances[query]);
    });
    expect(Math.max(...indices)).toBeGreaterThan(4096);
  });

  test.each([
    ['few directions', 0.05],
    ['as many directions as values', 1],
  ])('wide rows of %s: the nearest in float64, of the lowest index', async (_, noise) => {
    const width = 150;
    const wide = (seed: number, count: number): Rows => {
      const along = normalRows(seed, count, 20);
      const axes = normalRows(9, 20, width);
      const rest = normalRows(seed + 100, count, width);
      const data = Float32Array.from({ length: count * width }, (__, i) => {
        const [row, column] = [Math.floor(i / width), i % width];
        let sum = 30 + noise * 4 * rest.data[i]!;
        for (let k = 0; k < 20; k++) sum += along.data[row * 20 + k]! * axes.data[k * width + column]!;
        return sum;
      });
      return { data, count, width };
    };
    const bank = wide(1, 4200);
    // Equal rows, in one block and in two.
    bank.data.copyWithin(7 * width, 5 * width, 6 * width);
    bank.data.copyWithin(4150 * width, 5 * width, 6 * width);
    const queries = wide(2, 60);
    queries.data.set(bank.data.subarray(5 * width, 6 * width));
    queries.data.set(bank.data.subarray(5 * width, 6 * width), width);
    queries.data[width]! += 1e-3;
    // Far from everything.
    queries.data.fill(1e4, 2 * width, 3 * width);
    const { distances, indices } = await search(bank, queries);
    expectClose(distances, smallest(bank, queries), { relative: 1e-6 });
    expect([...indices.subarray(0, 2)]).toEqual([5, 5]);
    expect(distances[0]).toBe(0);
    indices.forEach((index, query) => {
      expect(Math.fround(distance(queries, query, bank, index))).toBe(distances[query]);
    });
  });

  test('a constant bank of wide rows', async () => {
    const bank = { data: new Float32Array(3 * 130).fill(2), count: 3, width: 130 };
    const queries = { data: new Float32Array(2 * 130).fill(2), count: 2, width: 130 };
    queries.data[130] = 5;
    expect(await search(bank, queries)).toEqual({
      distances: Float32Array.of(0, 3),
      indices: Int32Array.of(0, 0),
    });
  });

  test('of equal rows in several blocks the first is chosen', async () => {
    const bank = { data: new Float32Array(9000 * 2).fill(1), count: 9000, width: 2 };
    bank.data.fill(5, 200, 17_800);
    const queries = rowsOf([
      [5, 5],
      [1, 1],
    ]);
    expect([...(await search(bank, queries)).indices]).toEqual([100, 0]);
  });

  test('distances of near duplicates far from the origin are right', async () => {
    // |q|^2 is 1e8 here: in float32, |q|^2 + |b|^2 - 2 q.b would be off by about 10.
    const bank = rowsOf([
      [7000, 7000],
      [7010, 7000],
      [7000, 7001],
    ]);
    const queries = rowsOf([
      [7000.001, 7000],
      [7010, 6999.998],
      [7000, 7000.9],
      [7000, 7001],
    ]);
    const { distances, indices } = await search(bank, queries);
    expect([...indices]).toEqual([0, 1, 2, 2]);
    expectClose(distances, smallest(bank, queries), { relative: 1e-7 });
    expect(distances[0]).toBeGreaterThan(0.0009);
    expect(distances[3]).toBe(0);
  });

  test('one row and no queries', async () => {
    const bank = rowsOf([[1, 2, 3]]);
    expect(await search(bank, rowsOf([[1, 2, 5]]))).toEqual({
      distances: Float32Array.of(2),
      indices: Int32Array.of(0),
    });
    await expectNoNewTensors(async () => {
      const made = new NeighborBank(bank);
      const none = tf.zeros<tf.Rank.R2>([0, 3]);
      expect((await made.nearest(none)).indices).toHaveLength(0);
      none.dispose();
      made.dispose();
    });
  });

  test('lives beyond a tidy, and is disposed once', async () => {
    await expectNoNewTensors(async () => {
      let made: NeighborBank | undefined;
      tf.tidy(() => {
        made = new NeighborBank(rowsOf([[0], [2]]));
      });
      const bank = made!;
      const queries = tf.tensor2d([[1.9]]);
      expect([...(await bank.nearest(queries)).indices]).toEqual([1]);
      bank.dispose();
      bank.dispose();
      await expect(bank.nearest(queries)).rejects.toMatchObject({ code: 'disposed' });
      queries.dispose();
    });
  });

  test('bad queries are refused by name and leave no tensors', async () => {
    await expectNoNewTensors(async () => {
      const bank = new NeighborBank(
        rowsOf([
          [0, 0],
          [2, 2],
        ]),
      );
      const wide = tf.zeros<tf.Rank.R2>([1, 3]);
      await expect(bank.nearest(wide)).rejects.toThrow(/queries of width 3; wanted 2/);
      for (const bad of [NaN, Infinity]) {
        const queries = tf.tensor2d([
          [1, 1],
          [bad, 0],
        ]);
        await expect(bank.nearest(queries)).rejects.toThrow(/query 1 with NaN or infinite/);
        queries.dispose();
      }
      wide.dispose();
      bank.dispose();
      expect(() => new NeighborBank(rowsOf([[0], [NaN]]))).toThrow(/NaN in row 1/);
      expect(() => new NeighborBank(rowsOf([]))).toThrow(/count of bank rows 0/);
    });
  });

  test('firstMaximum gives the first of equal entries', async () => {
    await expectNoNewTensors(async () => {
      const scores = new Float32Array(3 * 300).fill(-1);
      for (const i of [7, 69, 133]) scores[i] = 2;
      for (const i of [299, 130]) scores[300 + i] = 3;
      const tensor = tf.tensor2d(scores, [3, 300]);
      const { values, indices } = firstMaximum(tensor);
      expect([...(await indices.data())]).toEqual([7, 130, 0]);
      expect([...(await values.data())]).toEqual([2, 3, -1]);
      tf.dispose([tensor, values, indices]);
    });
  });
});

describeBackends('neighbors of a bank row', () => {
  let hand: NeighborBank;
  beforeAll(() => {
    hand = new NeighborBank(rowsOf([[0], [10], [1], [-1], [0], [3]]));
  });
  afterAll(() => hand.dispose());

  test('the row itself, then by distance, of equals the lower index', () => {
    expect([...hand.neighbors(0, 1)]).toEqual([0]);
    expect([...hand.neighbors(0, 4)]).toEqual([0, 4, 2, 3]);
    expect([...hand.neighbors(4, 3)]).toEqual([4, 0, 2]);
    expect([...hand.neighbors(1, 100)]).toEqual([1, 5, 2, 0, 4, 3]);
  });

  test('agrees with scikit-learn', async () => {
    const golden = await readGolden(new URL('../test/fixtures/closed-form.safetensors', import.meta.url));
    const bank = new NeighborBank(goldenRows(golden, 'bank.rows'));
    const { shape, data } = golden.array('bank.neighbors');
    const [count, k] = shape as [number, number];
    for (let row = 0; row < count; row++) {
      expect([...bank.neighbors(row, k)]).toEqual([...data.subarray(row * k, (row + 1) * k)]);
    }
    bank.dispose();
  });

  test('what is no row is refused by name', () => {
    expect(() => hand.neighbors(6, 1)).toThrow(/bank row 6; wanted an index below 6/);
    expect(() => hand.neighbors(-1, 1)).toThrow(/-1/);
    expect(() => hand.neighbors(0, 0)).toThrow(/count of neighbors 0/);
  });
});
