#!/usr/bin/env node
import module from 'node:module';

// From Node 22 on: compiled modules are kept for the next start, in the folder for temporary files.
module.enableCompileCache?.();
const { main } = await import('../dist/index.js');

// `dskd … | head`: the reader closed the output. End without a message, as other tools do; 141 is 128 + SIGPIPE.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => process.exit(error.code === 'EPIPE' ? 141 : 1));
}

process.exitCode = await main(process.argv);
