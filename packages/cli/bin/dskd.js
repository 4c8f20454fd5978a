#!/usr/bin/env node
import { main } from '../dist/index.js';

// `dskd … | head`: the reader closed the output. End without a message, as other tools do; 141 is 128 + SIGPIPE.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => process.exit(error.code === 'EPIPE' ? 141 : 1));
}

process.exitCode = await main(process.argv);
