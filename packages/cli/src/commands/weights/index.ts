import { Command, Option } from 'commander';
import { SUMMARIES } from '../summaries.js';
import { convertWeights, type ConvertWeightsOptions } from './convert.js';
import { weightsInfo } from './info.js';
import { listWeights } from './list.js';
import { pullWeightsByName } from './pull.js';

const cacheOption = (): Option =>
  new Option('--cache <folder>', 'where downloads are kept (default: DSKD_CACHE, else the platform’s place)');

function subcommand(name: string, description: string, json: string): Command {
  return new Command(name)
    .description(description)
    .option('--json', json)
    .option('--debug', 'show where an error came from');
}

/** `dskd weights`: public weights by name, and files of weights. */
export function weightsCommand(): Command {
  return new Command('weights')
    .description(SUMMARIES.weights)
    .addCommand(
      subcommand(
        'list',
        'list the weights that are known by name',
        'everything known of each, as one line of JSON',
      )
        .addOption(cacheOption())
        .action(listWeights),
    )
    .addCommand(
      subcommand('pull', 'download weights, check them and keep them', 'the result as one line of JSON')
        .argument('<name>', 'one that dskd weights list lists')
        .addOption(cacheOption())
        .option(
          '--mirror <url>',
          'download from here instead: a folder with the files (default: DSKD_WEIGHTS_MIRROR)',
        )
        .action(pullWeightsByName),
    )
    .addCommand(
      subcommand('info', 'print what a weight file holds and which backbone it fits', 'as one line of JSON')
        .argument('<file>', 'safetensors, PyTorch .pth, NumPy .npy or .npz')
        .action(weightsInfo),
    )
    .addCommand(
      subcommand(
        'convert',
        'write the tensors of a weight file as safetensors',
        'the result as one line of JSON',
      )
        .argument('<in>', 'safetensors, PyTorch .pth, NumPy .npy or .npz')
        .argument('<out>', 'a name that ends in .safetensors')
        .option('--unwrap', 'look for the state dict inside a checkpoint, drop module. in front of names')
        .option('--entry <name>', 'the entry of a checkpoint that holds the state dict')
        .option('--strip-prefix <prefix>', 'drop this in front of names')
        .option('--backbone <name>', 'keep only what this backbone reads')
        .action((input: string, output: string, options: ConvertWeightsOptions) =>
          convertWeights(input, output, options),
        ),
    );
}
