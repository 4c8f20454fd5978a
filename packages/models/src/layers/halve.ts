// Pooling with kernel 2 and stride 2, and its opposite.
import * as tf from '@tensorflow/tfjs-core';

/** Side of the pooled map, as in torch. */
export function pooledSide(side: number, padding: 0 | 1): number {
  return Math.floor((side + 2 * padding - 2) / 2) + 1;
}

/** The rows and columns that the windows of the pooling cover, zeros where the map has none. */
function covered(x: tf.Tensor4D, padding: 0 | 1): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const after = [height, width].map((side) => 2 * pooledSide(side, padding) - side - padding) as [
    number,
    number,
  ];
  const [rows, columns] = [height + Math.min(0, after[0]), width + Math.min(0, after[1])];
  const cropped =
    rows === height && columns === width ? x : tf.slice(x, [0, 0, 0, 0], [batch, rows, columns, channels]);
  const [below, right] = after.map((side) => Math.max(0, side)) as [number, number];
  if (padding === 0 && below === 0 && right === 0) return cropped;
  return tf.pad(cropped, [
    [0, 0],
    [padding, below],
    [padding, right],
    [0, 0],
  ]);
}

/** The sum of the first and the second of each two rows of `[rows, 2, width]`. */
function sumOfPairs(x: tf.Tensor, rows: number): tf.Tensor {
  const pairs = tf.reshape<tf.Rank.R3>(x, [rows, 2, -1]);
  const width = pairs.shape[2];
  return tf.add(tf.slice(pairs, [0, 0, 0], [rows, 1, width]), tf.slice(pairs, [0, 1, 0], [rows, 1, width]));
}

/** Each of `rows` rows twice. */
function twice(x: tf.Tensor, rows: number): tf.Tensor {
  const row = tf.reshape(x, [rows, 1, -1]);
  return tf.concat([row, row], 1);
}

/** The mean of each 2x2 positions of a map with even sides. Keeps nothing for the gradient. */
function meanOfFour(input: tf.Tensor4D): tf.Tensor4D {
  const [batch, height, width, channels] = input.shape;
  const [rows, columns] = [height / 2, width / 2];
  const operation = tf.customGrad((...args) => {
    const [x] = args as [tf.Tensor4D];
    const value = tf.tidy(() => {
      const sums = sumOfPairs(sumOfPairs(x, batch * rows), batch * rows * columns);
      return tf.reshape<tf.Rank.R4>(tf.mul(sums, 0.25), [batch, rows, columns, channels]);
    });
    const gradFunc = (dy: tf.Tensor): tf.Tensor =>
      tf.tidy(() => {
        const wide = twice(tf.mul(dy, 0.25), batch * rows * columns);
        return tf.reshape(twice(wide, batch * rows), [batch, height, width, channels]);
      });
    return { value, gradFunc };
  });
  return operation(input);
}

/** Each position of a map as 2x2 positions: torch's nearest interpolation to twice the size. Keeps nothing for the gradient. */
export function repeatTwice(input: tf.Tensor4D): tf.Tensor4D {
  const [batch, height, width, channels] = input.shape;
  const positions = batch * height * width;
  const operation = tf.customGrad((...args) => {
    const [x] = args as [tf.Tensor4D];
    const value = tf.tidy(() =>
      tf.reshape<tf.Rank.R4>(twice(twice(x, positions), batch * height), [
        batch,
        2 * height,
        2 * width,
        channels,
      ]),
    );
    const gradFunc = (dy: tf.Tensor): tf.Tensor =>
      tf.tidy(() => tf.reshape(sumOfPairs(sumOfPairs(dy, batch * height), positions), input.shape));
    return { value, gradFunc };
  });
  return operation(input);
}

/** torch's AvgPool2d(2, 2, padding): zeros around the map count. Call it inside `tf.tidy`. */
export function averagePool(x: tf.Tensor4D, padding: 0 | 1): tf.Tensor4D {
  return meanOfFour(covered(x, padding));
}

/** torch's MaxPool2d(2, 2). */
export function maximumPool(x: tf.Tensor4D): tf.Tensor4D {
  return tf.maxPool(x, 2, 2, 'valid');
}
