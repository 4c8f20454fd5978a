// Load on an HTTP server, by node:http: connections that wait for their answers (closed), or requests at a rate that does not wait
// (open), and probes beside it.
import http from 'node:http';
import { performance } from 'node:perf_hooks';

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The value below which a share of the values is. */
export function quantile(values, share) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

const rounded = (value, digits = 1) => (value === null ? null : Number(value.toFixed(digits)));

export const latencies = (values) => ({
  p50: rounded(quantile(values, 0.5)),
  p99: rounded(quantile(values, 0.99)),
  max: rounded(quantile(values, 1)),
});

/** One request. @returns status, headers and body; status 0 where there was no answer. */
export function send({ url, method = 'POST', body, headers = {}, agent, timeout = 60_000 }) {
  return new Promise((resolve) => {
    const failed = (error) =>
      resolve({ status: 0, headers: {}, body: Buffer.alloc(0), error: error.message });
    const request = http.request(
      url,
      { method, agent, timeout, headers: { ...headers, ...(body && { 'content-length': body.length }) } },
      (response) => {
        const chunks = [];
        response
          .on('data', (chunk) => chunks.push(chunk))
          .on('error', failed)
          .on('end', () =>
            resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
          );
      },
    );
    request.on('error', failed).on('timeout', () => request.destroy(new Error('no answer in time')));
    request.end(body);
  });
}

class Tally {
  statuses = {};
  taken = [];
  withoutRetryAfter = 0;

  add({ status, headers }, milliseconds, onAnswer) {
    this.statuses[status] = (this.statuses[status] ?? 0) + 1;
    if (status === 200) this.taken.push(milliseconds);
    if (status === 429 && !(Number(headers['retry-after']) >= 1)) this.withoutRetryAfter++;
    onAnswer?.();
  }

  result(seconds) {
    const ok = this.statuses[200] ?? 0;
    return {
      seconds: rounded(seconds),
      ok,
      okPerSecond: rounded(ok / seconds),
      statuses: this.statuses,
      milliseconds: latencies(this.taken),
      ...(this.withoutRetryAfter > 0 && { withoutRetryAfter: this.withoutRetryAfter }),
    };
  }
}

/** So many connections, each of which sends its next request when it has the answer to the last. */
export async function closedLoop({ connections, seconds, onAnswer, ...request }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const tally = new Tally();
  const started = performance.now();
  const end = started + seconds * 1000;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < end) {
        const sent = performance.now();
        const answer = await send({ ...request, agent });
        tally.add(answer, performance.now() - sent, () => onAnswer?.(answer));
      }
    }),
  );
  const taken = (performance.now() - started) / 1000;
  agent.destroy();
  return tally.result(taken);
}

/** So many requests a second, whatever the answers are. Times are from when a request was due. */
export async function openLoop({ rate, seconds, onAnswer, ...request }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
  const tally = new Tally();
  const started = performance.now();
  const waiting = [];
  const total = Math.round(rate * seconds);
  let late = 0;
  for (let count = 0; count < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - started) / 1000) * rate) + 1);
    for (; count < due; count++) {
      const at = started + (count / rate) * 1000;
      late = Math.max(late, performance.now() - at);
      waiting.push(
        send({ ...request, agent }).then((answer) =>
          tally.add(answer, performance.now() - at, () => onAnswer?.(answer)),
        ),
      );
    }
    await pause(1);
  }
  await Promise.all(waiting);
  agent.destroy();
  // Until the last one that was accepted has its answer.
  const taken = (performance.now() - started) / 1000;
  return { sent: total, sentLate: rounded(late), ...tally.result(taken) };
}

/** Asks a URL again and again, until what is returned is called; that gives the times. */
export function probe(url, every = 50) {
  const agent = new http.Agent({ keepAlive: true });
  const times = [];
  let failures = 0;
  let isOver = false;
  const done = (async () => {
    while (!isOver) {
      const sent = performance.now();
      const { status } = await send({ url, method: 'GET', agent });
      if (status === 200) times.push(performance.now() - sent);
      else failures++;
      await pause(every);
    }
  })();
  return async () => {
    isOver = true;
    await done;
    agent.destroy();
    return { asked: times.length + failures, failures, milliseconds: latencies(times) };
  };
}
