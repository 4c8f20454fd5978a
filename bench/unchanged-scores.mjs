// node bench/unchanged-scores.mjs [--data FOLDER]: trains two detectors as they were trained before methods stood behind
// one contract, scores the same 20 images with each and compares with bench/results/unchanged-scores.json, bit for bit.
// Nothing is written. FOLDER holds MVTec AD (default ../shared/data/mvtec_ad); without it only the drawn category is
// trained. About three minutes on two cores.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: { data: { type: 'string', default: path.join(ROOT, '../shared/data/mvtec_ad') } },
});
const { runs } = JSON.parse(readFileSync(new URL('results/unchanged-scores.json', import.meta.url), 'utf8'));
const program = path.join(ROOT, 'packages/cli/bin/dskd.js');
const dskd = (...args) =>
  execFileSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });

const folder = mkdtempSync(path.join(tmpdir(), 'dskd-unchanged-'));
let differing = 0;
try {
  for (const { name, synth, options, predictions } of runs) {
    const data = synth ? folder : values.data;
    if (synth) dskd('synth', folder, ...synth);
    if (!existsSync(data)) {
      console.log(`SKIPPED ${name}: there is no ${data}`);
      continue;
    }
    const model = path.join(folder, `${name}.safetensors`);
    dskd('train', '--data', data, ...options, '--out', model);
    const printed = dskd('predict', model, ...predictions.map((wanted) => path.join(data, wanted.path)));
    const got = printed
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const wrong = predictions.filter((wanted, index) => {
      const { verdict, score, threshold, pValue, branches } = got[index];
      return !isDeepStrictEqual({ path: wanted.path, verdict, score, threshold, pValue, branches }, wanted);
    });
    differing += wrong.length;
    console.log(
      `${name}: ${predictions.length - wrong.length} of ${predictions.length} images have the same scores`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = differing > 0 ? 1 : 0;
