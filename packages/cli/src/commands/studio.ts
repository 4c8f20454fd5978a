import { defineCommand } from '../define-command.js';
import { integer, option, type OptionValues } from '../options/option.js';
import { outputOptions } from '../options/shared.js';
import { printJson, printLine } from '../output/print.js';

const studioOptions = {
  port: option(
    integer({ minimum: 0, maximum: 65_535 }).default(4870),
    'port on this machine; 0 takes a free one',
    {
      main: true,
      value: 'number',
    },
  ),
  ...outputOptions('the address as one line of JSON'),
};

export const studio = defineCommand({
  name: 'studio',
  summary: 'serve a page on this machine that learns and inspects in the browser; no image leaves it',
  options: studioOptions,
  run: async (options, _, signal) => runStudio(options, signal),
});

async function runStudio(
  { port, json }: OptionValues<typeof studioOptions>,
  signal: AbortSignal,
): Promise<void> {
  const { servePage } = await import('./studio/serve-page.js');
  const server = await servePage({ port });
  if (json) printJson({ url: server.url });
  else printLine(`${server.url}\n\nOpen it in a browser; Ctrl-C ends it.`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
  await server.close();
}
