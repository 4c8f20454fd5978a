import type { Readable, Writable } from 'node:stream';
import { startChromium } from '@dskd/test-support';

export interface Message {
  readonly method: string;
  readonly params: Record<string, unknown>;
}

/** A page of headless Chromium, controlled by the DevTools protocol over a pipe. */
export interface BrowserPage {
  /** Returns the result of the answer. */
  send(method: string, params?: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** Evaluates an expression in the page and returns its value, which must be JSON. */
  evaluate(expression: string): Promise<unknown>;
  /** Events since the page was opened. */
  readonly events: readonly Message[];
}

/** Opens an empty page, and closes the browser when `work` is done. */
export async function withChromium<T>(work: (page: BrowserPage) => Promise<T>): Promise<T> {
  const browser = await startChromium(
    ['--remote-debugging-pipe', 'about:blank'],
    ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  );
  try {
    const [, , , input, output] = browser.process.stdio as unknown as [null, null, null, Writable, Readable];
    return await work(await firstPage(input, output));
  } finally {
    await browser.close();
  }
}

interface Answer extends Message {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

async function firstPage(input: Writable, output: Readable): Promise<BrowserPage> {
  const waiting = new Map<number, (answer: Answer) => void>();
  const events: Message[] = [];
  let rest = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\0');
    rest = parts.pop()!;
    for (const part of parts) {
      const answer = JSON.parse(part) as Answer;
      if (answer.id === undefined) events.push(answer);
      else waiting.get(answer.id)?.(answer);
    }
  });
  let last = 0;
  const call = async (
    method: string,
    params: Record<string, unknown>,
    sessionId?: string,
  ): Promise<Record<string, unknown>> => {
    const id = ++last;
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    input.write(`${JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) })}\0`);
    const { result, error } = await answered;
    waiting.delete(id);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result!;
  };
  const { targetId } = (await call('Target.createTarget', { url: 'about:blank' })) as { targetId: string };
  const attached = await call('Target.attachToTarget', { targetId, flatten: true });
  const session = attached.sessionId as string;
  const send: BrowserPage['send'] = (method, params = {}) => call(method, params, session);
  for (const domain of ['Page', 'Network', 'Log', 'Runtime']) await send(`${domain}.enable`);
  return {
    send,
    events,
    async evaluate(expression) {
      const { result } = await send('Runtime.evaluate', {
        expression,
        returnByValue: true,
        awaitPromise: true,
      });
      return (result as { value?: unknown }).value;
    },
  };
}
