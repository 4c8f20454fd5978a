// node bench/server-report.mjs: writes bench/server.md from bench/results/server.json.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const HERE = import.meta.dirname;
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const about = ({ command, machine: { cores, cpu, node, loadBefore }, date }) =>
  `${cpu}, ${cores} cores, Node ${node}, load ${loadBefore[0]} before, ${date}: \`${command}\`.`;

function reportOfLoad({ load: result }) {
  const { workers, queue, idle, overloaded, inTurns, aborted, swapped, ended } = result;
  const { live, processorMillisecondsPerAnswer: processor, memoryMegabytes: memory } = overloaded;
  const failed = Object.entries(swapped.statuses).filter(([status]) => status !== '200');
  const rows = [
    ['one connection', `${idle.okPerSecond} answers/s, p50 ${idle.milliseconds.p50} ms`],
    [`peak (${workers + queue / 2} connections)`, `${overloaded.peakPerSecond} answers/s, mean of before and after`],
    [`${overloaded.ratePerSecond} requests/s for ${overloaded.seconds} s (4 times the first peak)`, `${overloaded.okPerSecond} answers/s: ${Math.round(100 * overloaded.goodput)} % of the peak`],
    ['the same in turns of 4 s with the peak', `${inTurns.okPerSecond} and ${inTurns.peakPerSecond} answers/s: ${Math.round(100 * inTurns.goodput)} %`],
    ['the same in processor time of the server, refusals included', `${processor.overloaded} ms an answer, ${processor.peak} at the peak: ${Math.round((100 * processor.peak) / processor.overloaded)} %`],
    ['statuses', Object.entries(overloaded.statuses).map(([status, count]) => `${status}: ${count}`).join(', ') + (overloaded.withoutRetryAfter ? '' : '; each 429 with Retry-After')],
    ['accepted', `p50 ${overloaded.milliseconds.p50}, p99 ${overloaded.milliseconds.p99} ms; (queue + workers) x the time of a worker for an image: ${Math.round(((queue + workers) * 1000 * workers) / overloaded.okPerSecond)} ms`],
    ['`/live` meanwhile', `p50 ${live.milliseconds.p50}, p99 ${live.milliseconds.p99} ms, ${live.failures} of ${live.asked} failed`],
    ['memory', `${memory.first} MB in the first third, ${memory.last} MB in the last`],
    [`${aborted.uploads} uploads that were broken off`, `${aborted.okPerSecond.before} answers/s before, ${aborted.okPerSecond.after} after; ${aborted.processorMillisecondsPerAnswer.before} and ${aborted.processorMillisecondsPerAnswer.after} ms of processor time an answer; ${aborted.placesTaken} places taken`],
    [`${swapped.swaps} swaps under load`, `${swapped.statuses[200]} answers, ${failed.length === 0 ? 'no error' : JSON.stringify(failed)}; each of the ${Object.keys(swapped.scoresOfVersions).length} versions with one score: ${Object.values(swapped.scoresOfVersions).every(({ length }) => length === 1)}; median ${median(swapped.seconds)} s each`],
    ['`/live` meanwhile', `p50 ${swapped.live.milliseconds.p50}, p99 ${swapped.live.milliseconds.p99} ms, ${swapped.live.failures} of ${swapped.live.asked} failed`],
    ['SIGTERM with 8 requests accepted', `answers ${[...new Set(ended.answers)].join(', ')}; exit code ${ended.exitCode}`],
  ]; // prettier-ignore
  const table = ['| what | result |', '| --- | --- |', ...rows.map((row) => `| ${row.join(' | ')} |`)].join(
    '\n',
  );
  return `## Under load\n\n${about(result)}\n\n${workers} workers with one thread each, a queue of ${queue}, a JPEG of ${Math.round(result.imageBytes / 1000)} kB.\n\n${table}\n`;
}

function reportOfPeer({ peer: { results, rounds, workers, ...rest } }) {
  const rows = results.map(({ connections, dskd, fastapi, ratio }) => {
    const processor = fastapi.processorMilliseconds / dskd.processorMilliseconds;
    const cells = [connections, dskd.okPerSecond, fastapi.okPerSecond, ratio, `${dskd.p50} / ${dskd.p99}`, `${fastapi.p50} / ${fastapi.p99}`, dskd.processorMilliseconds, fastapi.processorMilliseconds, processor.toFixed(2)]; // prettier-ignore
    return `| ${cells.join(' | ')} |`;
  });
  const heads = ['connections', 'dskd, answers/s', 'FastAPI, answers/s', 'ratio', 'dskd, p50 / p99 ms', 'FastAPI, p50 / p99 ms', 'dskd, processor ms', 'FastAPI, processor ms', 'ratio']; // prettier-ignore
  const table = [`| ${heads.join(' | ')} |`, `|${' --- |'.repeat(heads.length)}`, ...rows].join('\n');
  return `## Beside FastAPI and PyTorch\n\n${about(rest)}\n\nThe same exported detector (\`instant\`, ${rest.side} px), run eagerly by PyTorch with one thread in each of ${workers} processes of uvicorn ([the peer](peers/serve_in_torch.py)), beside ${workers} workers of \`dskd serve\`. Medians of ${rounds} rounds in turn. A ratio above 1 says that dskd answers more, or takes less processor time. dskd also computes regions, p-values and branches. Where other jobs hold the cores, a program gets more of them with more threads that can run: uvicorn has one for each request, dskd has its workers. Processor time is compared more safely then.\n\n${table}\n`;
}

const known = JSON.parse(readFileSync(path.join(HERE, 'results/server.json'), 'utf8'));
const head =
  '# Server\n\nMade by `node bench/server.mjs` and `node bench/server-report.mjs`. The load comes from the same machine and takes part of its cores; so do other jobs, where the load before was above 0.\n\n';
const text = [reportOfLoad(known), reportOfPeer(known)].join('\n');
writeFileSync(path.join(HERE, 'server.md'), head + text);
