import { defineCommand, type CommandGroup } from '../define-command.js';
import { boolean, option, text } from '../options/option.js';
import { outputOptions } from '../options/shared.js';

const cache = option(text().optional(), 'folder of the downloaded weights', {
  main: true,
  value: 'folder',
  defaultText: 'DSKD_CACHE, else the cache folder of the platform',
});

const WEIGHT_FILE = 'safetensors, PyTorch .pth, NumPy .npy or .npz';

const list = defineCommand({
  name: 'list',
  summary: 'list the weights that are known by name',
  options: { cache, ...outputOptions('every field of each, as one line of JSON') },
  run: async (options) => (await import('./weights/registry.js')).listWeights(options),
});

const pull = defineCommand({
  name: 'pull',
  summary: 'download weights, check them and keep them',
  arguments: [['<name>', 'a name from dskd weights list']],
  options: {
    cache,
    mirror: option(text().optional(), 'URL of a folder with the files, to download from instead', {
      main: true,
      value: 'url',
      defaultText: 'DSKD_WEIGHTS_MIRROR',
    }),
    ...outputOptions('the result as one line of JSON'),
  },
  run: async (options, [name], signal) =>
    (await import('./weights/registry.js')).pullWeightsByName(name!, options, signal),
});

const info = defineCommand({
  name: 'info',
  summary: 'print the tensors of a weight file and the backbones it fits',
  arguments: [['<file>', WEIGHT_FILE]],
  options: outputOptions('as one line of JSON'),
  run: async (options, [file]) => (await import('./weights/inspect.js')).weightsInfo(file!, options),
});

const convert = defineCommand({
  name: 'convert',
  summary: 'write the tensors of a weight file as safetensors',
  arguments: [
    ['<in>', WEIGHT_FILE],
    ['<out>', 'a name that ends in .safetensors'],
  ],
  options: {
    unwrap: option(
      boolean().default(false),
      'look for the state dict inside a checkpoint, and drop module. in front of names',
      { main: true, flagOnly: true },
    ),
    entry: option(text().optional(), 'entry of a checkpoint that contains the state dict', {
      main: true,
      value: 'name',
    }),
    stripPrefix: option(text().optional(), 'prefix to drop from the names', { main: true, value: 'prefix' }),
    backbone: option(text().optional(), 'keep only the tensors that this backbone reads', {
      main: true,
      value: 'name',
    }),
    ...outputOptions('the result as one line of JSON'),
  },
  run: async (options, [input, output]) =>
    (await import('./weights/convert.js')).convertWeights(input!, output!, options),
});

/** `dskd weights`: public weights by name, and weight files. */
export const weights: CommandGroup = {
  name: 'weights',
  summary: 'list, download, inspect and convert weights of teachers',
  commands: [list, pull, info, convert],
};
