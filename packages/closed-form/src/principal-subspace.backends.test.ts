import { describeBackends, expectClose, expectNoNewTensors, readGolden } from '@dskd/test-support';
import { principalAxes, principalSubspace, type Rows } from './index.js';
import { goldenRows, normalRows, rowsOf } from './rows.test.util.js';

/** How far the components are from orthonormal. */
function overlap({ data, count, width }: Rows): number {
  let worst = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += data[i * width + k]! * data[j * width + k]!;
      worst = Math.max(worst, Math.abs(sum - (i === j ? 1 : 0)));
    }
  }
  return worst;
}

describeBackends('principalSubspace', () => {
  test('agrees with sklearn.decomposition.PCA', async () => {
    const golden = await readGolden(new URL('../test/fixtures/closed-form.safetensors', import.meta.url));
    const { mean, components, variances } = await expectNoNewTensors(() =>
      principalSubspace(goldenRows(golden, 'snapshots.rows'), 8),
    );
    expectClose(mean, golden.array('snapshots.mean').data, { relative: 1e-7 });
    expect([components.count, components.width]).toEqual([8, 300]);
    expectClose(components.data, golden.array('snapshots.components').data, { relative: 1e-4 });
    expectClose(variances, golden.array('snapshots.variances').data, { relative: 1e-5 });
  });

  test('components of small variance are orthonormal too, over several blocks of columns', async () => {
    // Variances fall to 4e-5 of the first; 50 rows take 10485 columns a block, so there are two.
    const rows = normalRows(4, 50, 11_000);
    const signal = normalRows(5, 6, 11_000);
    for (let row = 0; row < 50; row++) {
      for (let k = 0; k < 6; k++) {
        const weight = Math.sin(row * (k + 1)) * 0.15 ** k * 20;
        for (let i = 0; i < rows.width; i++) {
          if (k === 0) rows.data[row * rows.width + i]! *= 0.001;
          rows.data[row * rows.width + i]! += weight * signal.data[k * rows.width + i]!;
        }
      }
    }
    const reports: [number, number][] = [];
    const { components, variances } = await expectNoNewTensors(() =>
      principalSubspace(rows, 6, { onProgress: (...report) => reports.push(report) }),
    );
    expect(components.count).toBeGreaterThan(3);
    expect(overlap(components)).toBeLessThan(2e-6);
    expect([...variances]).toEqual([...variances].sort((a, b) => b - a));
    expect(reports).toEqual(Array.from({ length: 6 }, (_, i) => [i + 1, 6]));
  });

  test('agrees with principalAxes', async () => {
    const rows = normalRows(9, 30, 6);
    const few = await principalSubspace(rows, 6);
    const many = principalAxes(rows, 6);
    expect(few.components.count).toBe(6);
    expectClose(few.components.data, many.components.data, { absolute: 1e-5 });
    expectClose(few.variances, many.variances, { relative: 1e-5 });
    expectClose(few.mean, many.mean, { absolute: 1e-7 });
  });

  test('there are at most as many components as the rank', async () => {
    const rows = normalRows(2, 5, 40);
    expect((await principalSubspace(rows, 10)).components.count).toBe(4);
    const doubled = { data: Float32Array.of(...rows.data, ...rows.data), count: 10, width: 40 };
    expect((await principalSubspace(doubled, 10)).components.count).toBe(4);
    for (const constant of [
      rowsOf([[1, 2, 3]]),
      rowsOf([
        [0.1, 2],
        [0.1, 2],
        [0.1, 2],
      ]),
    ]) {
      const { components, variances, mean } = await principalSubspace(constant, 2);
      expect([components.count, components.data.length, variances.length]).toEqual([0, 0, 0]);
      expectClose(mean, constant.data.subarray(0, constant.width), { relative: 1e-7 });
    }
  });

  test('has the same bits when computed again', async () => {
    const rows = normalRows(6, 12, 500);
    expect(await principalSubspace(rows, 5)).toEqual(await principalSubspace(rows, 5));
  });

  test('bad input and an aborted signal end it without tensors left', async () => {
    await expectNoNewTensors(async () => {
      await expect(principalSubspace(rowsOf([[1], [NaN]]), 1)).rejects.toThrow(/NaN in row 1/);
      await expect(principalSubspace(rowsOf([[1], [2]]), 0)).rejects.toThrow(/count of components 0/);
      await expect(
        principalSubspace(rowsOf([[1], [2]]), 1, { signal: AbortSignal.abort() }),
      ).rejects.toMatchObject({ code: 'aborted' });
      const controller = new AbortController();
      const work = principalSubspace(normalRows(3, 60, 18_000), 4, {
        signal: controller.signal,
        onProgress: () => controller.abort(),
      });
      await expect(work).rejects.toMatchObject({ code: 'aborted' });
    });
  });
});
