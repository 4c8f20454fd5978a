import type { ImageSource } from '@dskd/data';

export interface NextSteps {
  readonly model: string;
  /** As given with `--data` and `--category`. */
  readonly data: string;
  readonly category?: string | undefined;
}

/** An argument quoted for a shell. */
const quoted = (text: string): string =>
  /^[\w./:@%+=,\\-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** The commands that come after a training, to copy. */
export function nextSteps(
  { samples }: Pick<ImageSource, 'samples'>,
  { model, data, category }: NextSteps,
): string {
  const file = quoted(model);
  const where = `--data ${quoted(data)}${category === undefined ? '' : ` --category ${quoted(category)}`}`;
  const anomalies = samples.some(({ split, label }) => split === 'test' && label === 'anomalous');
  const evaluate = anomalies
    ? [
        `  dskd evaluate ${file} ${where} --report report.html`,
        '      how good it is: your data has images of defects to try it on',
      ]
    : [
        `  dskd evaluate ${file} --data FOLDER --report report.html`,
        '      how good it is, once you have images of defects: FOLDER/test/good and FOLDER/test/NAME_OF_A_DEFECT',
      ];
  return [
    'What next:',
    `  dskd predict ${file} NEW_IMAGES --out heat-maps`,
    '      which of them are anomalous, and where',
    `  dskd calibrate ${file} --normals MORE_GOOD_IMAGES`,
    '      a threshold from more good images, without training again: the more, the fewer surprises',
    ...evaluate,
  ].join('\n');
}
