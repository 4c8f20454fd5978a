import type { ErrorCode } from './errors.js';

/**
 * Every code with its meaning (when it is thrown) and a remedy (what its user can do; the `hint` of an error says it for the case
 * at hand). Both are sentences. `docs/errors.md` is made of it.
 */
export const ERROR_CATALOG: Readonly<
  Record<ErrorCode, { readonly meaning: string; readonly remedy: string }>
> = {
  'invalid-argument': {
    meaning:
      'A function or a command got a value that it does not take: of the wrong type, out of its range, or not together with another one. Nothing was changed.',
    remedy: 'The message says what was given and what is wanted. Change the call.',
  },
  'invalid-config': {
    meaning:
      'Options that are checked together (of a method, a training, a configuration file, an augmentation) are wrong or do not go together.',
    remedy: 'The message names each option. `details.issues`, where it is there, has them for programs.',
  },
  'shape-mismatch': {
    meaning: 'A tensor or an image has other sides or another number of channels than wanted.',
    remedy:
      'Compare the two shapes in the message. Images are gray, RGB or RGBA; tensors of images are `[batch, height, width, channels]`.',
  },
  'dataset-invalid': {
    meaning:
      'A dataset has problems: damaged or missing files, masks of another size than their image, a layout that is not known, too few good images. All of them are listed.',
    remedy:
      'Fix, move or remove the files in `details.problems`, then start again. `dskd check --thorough` finds them before.',
  },
  'image-unreadable': {
    meaning: 'A file is no image of a known format, or it is damaged or truncated.',
    remedy: 'Open it in another program. Copy or convert it again, or leave it out.',
  },
  'file-not-found': {
    meaning: 'A file, a folder or an address does not exist or cannot be read.',
    remedy:
      'Check the path in the message, and who may read it. Relative paths begin at the working directory.',
  },
  'file-not-writable': {
    meaning:
      'A file cannot be written: no room, no right to, or a folder in its place. Long computations check it before they start.',
    remedy:
      'Free disk space, or choose another path. `details.savedTo` is where a trained model was saved instead.',
  },
  'download-failed': {
    meaning:
      'Weights, or an image of a URL, could not be downloaded: no connection, an error of the server, or content with another hash than registered.',
    remedy:
      'Try again; of weights, name a mirror (`--mirror`, `DSKD_WEIGHTS_MIRROR`), or download the file by hand and name it.',
  },
  'weights-invalid': {
    meaning:
      'A weight file, a checkpoint or a detector is damaged, truncated, of an unknown format, or holds no state dict.',
    remedy:
      'Get it again. A checkpoint keeps its state dict in an entry: `unwrap`, or `dskd weights convert --unwrap`, reads that.',
  },
  'weights-mismatch': {
    meaning:
      'The tensors of a file are not those that a backbone, a student or a detector has: missing, too many, or of other shapes.',
    remedy: 'Name the backbone of the weights. `dskd weights info` prints the backbones that a file fits.',
  },
  'weights-too-large': {
    meaning: 'The tensors of a weight file need more memory than `maxBytes` allows. Nothing was allocated.',
    remedy: 'Raise `maxBytes` if the file comes from where you expect it to.',
  },
  'weights-not-finite': {
    meaning:
      'Weights are NaN or infinite: a training has diverged, or a file is damaged. Such a model is neither saved nor loaded.',
    remedy: 'Train again with a lower learning rate, or get the file again.',
  },
  'artifact-invalid': {
    meaning:
      'A file is safetensors, but not what was expected of it (a detector, a checkpoint, a distilled teacher), or its description is wrong.',
    remedy:
      'Give a file that was written for this purpose. One that was edited by hand or damaged has to be made again.',
  },
  'artifact-version': {
    meaning: 'A file has a newer format than this version reads.',
    remedy: 'Update dskd.',
  },
  'artifact-outdated': {
    meaning: 'A file has a format that is older than any this version reads.',
    remedy: 'Read it with the version that wrote it, or train again.',
  },
  'teacher-mismatch': {
    meaning: 'A detector was trained with another teacher than the one given, or needs one and got none.',
    remedy: 'Give the weight file that it was trained with (`--weights`). `dskd info` prints its SHA-256.',
  },
  'input-size-mismatch': {
    meaning: 'A model, a checkpoint or a mask belongs to another input size.',
    remedy: 'Use the size that it was made with, or make it again: a student belongs to one size.',
  },
  'dependency-missing': {
    meaning:
      'Something beside this package is missing: sharp for files in Node, a secure context for SHA-256 in a page, an optional package.',
    remedy: 'Install or provide what the message names.',
  },
  'backend-unavailable': {
    meaning: 'A TensorFlow.js backend cannot be used here.',
    remedy: 'Choose another one: `wasm` runs everywhere. `dskd doctor` prints what there is.',
  },
  'out-of-memory': {
    meaning:
      'A computation needs more memory than there is, or than its backend can address. Trainings check it before they start.',
    remedy:
      '`details.alternatives` lists what would fit: a smaller preset, size or batch, threads of their own, another backend.',
  },
  'numerical-instability': {
    meaning: 'A loss, a gradient or a feature became NaN or infinite in a training.',
    remedy:
      'Lower the learning rate of the student that the message names. Check images and teacher, if it is the features.',
  },
  'not-exportable': {
    meaning: 'A model computes something that a file for another program (ONNX) cannot hold.',
    remedy:
      'The message names the method or branch. Train with a method of networks and matrices: dskd, rd, instant, patchcore, fre, padim, gaussian, stfpm, efficientad.',
  },
  'plugin-failed': {
    meaning:
      'A plugin of the command line, or a module that an engine imports, could not be loaded, or failed while it registered something.',
    remedy: 'The message has its own error. Check that it is installed, and made for this version.',
  },
  'worker-failed': {
    meaning: 'A thread or a process that computed something has ended or could not start.',
    remedy:
      'The message has its last words. Without threads of their own (`--no-workers`) students train in one. An engine replaces its worker: send the image again.',
  },
  'queue-full': {
    meaning:
      'An engine got more images than it scores, and as many as it lets wait are waiting. This one was refused at once; the others are scored.',
    remedy:
      'Send it again later, or slower: `predictEach` asks for images only as fast as they are scored. A longer `queue` takes bursts, more `workers` score more.',
  },
  'queue-unavailable': {
    meaning:
      'The Redis of a queue cannot be used: it does not answer, or it is set up so that it could lose or evict jobs.',
    remedy:
      'The message says what was found and what is wanted. Start Redis with `--maxmemory-policy noeviction --appendonly yes`.',
  },
  'version-mismatch': {
    meaning:
      'A worker on another machine has other versions of packages than those that planned its work, so that its results could differ.',
    remedy: 'Install the versions that the message names on all machines.',
  },
  unauthorized: {
    meaning: 'A request to a server has no token, or another one than the server was started with.',
    remedy: 'Send the header `Authorization: Bearer TOKEN`.',
  },
  'model-not-found': {
    meaning: 'A server has no model of this name or version, or it is not loaded.',
    remedy: 'The message names the models. `GET /v1/models` lists them with their versions.',
  },
  'too-large': {
    meaning:
      'The body of a request, or an image that it names, is larger than a server takes, or it has too many images.',
    remedy: 'Send less, or start the server with a larger limit: `details.most` is the present one.',
  },
  'timed-out': {
    meaning:
      'The body of a request did not arrive in time, or there was no result in time, or a camera sent no frame.',
    remedy:
      'Send it again later. Fewer images at a time, more workers or a longer limit help. A camera is opened again by itself.',
  },
  'source-failed': {
    meaning:
      'A camera, a video or a stream could not be opened, ended, or sent what is no image. It is opened again by itself.',
    remedy: 'The message has the reason. Check the address, that the camera is on, and the network between.',
  },
  'delivery-failed': {
    meaning: 'An alarm could not be delivered. It is kept, and tried again until it succeeds.',
    remedy: 'The message has the reason. Check that the receiver runs and can be reached.',
  },
  aborted: {
    meaning: 'The operation was stopped by its signal, or by Ctrl-C. What was complete before stays.',
    remedy: 'Nothing is wrong. A training with a checkpoint goes on where it stopped.',
  },
  disposed: {
    meaning: 'A detector, a teacher or another object was used after `dispose()`.',
    remedy: 'Dispose it later, or load it again.',
  },
};
