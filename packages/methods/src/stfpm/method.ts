import { DskdError } from '@dskd/base';
import {
  backboneInfo,
  BACKBONES,
  type BackboneName,
  type ImageStudentOptions,
  type Teacher,
} from '@dskd/models';
import { z } from 'zod';
import type { FitPlan } from '../contract.js';
import { IMAGE_AS_IT_IS } from '../image-students/image-extractor.js';
import { imageMethod } from '../image-students/method.js';
import { epochsOf, trainingLength } from '../image-students/options.js';

const options = z.strictObject({
  ...trainingLength,
  /** Backbone of the student. Default: the teacher's own; teacher-tiny where that cannot be trained from scratch. */
  backbone: z.enum(BACKBONES as [BackboneName, ...BackboneName[]]).optional(),
  /** Fraction of its channels. Where they differ from the teacher's, a 1x1 convolution follows each level. */
  width: z.number().positive().max(4).default(0.5),
  learningRate: z.number().positive().default(0.4),
  momentum: z.number().min(0).lt(1).default(0.9),
  /** Coupled, as in torch.optim.SGD. */
  weightDecay: z.number().min(0).default(1e-4),
});

type StfpmOptions = z.output<typeof options>;

/** The backbone of a student: the named one, or that of the teacher. */
function backboneFor({ extractor }: Teacher, { backbone }: StfpmOptions): BackboneName {
  if (backbone) return backbone;
  // SqueezeNet and patch networks have no batch norm, without which SGD at this rate diverges.
  const own = BACKBONES.find((name) => name === extractor.name && !/^(squeezenet|pdn)/.test(name));
  return own ?? 'teacher-tiny';
}

/** The student's level for each of the teacher's: of the same name, or else the deepest of the same stride. */
function levelsFor({ extractor }: Teacher, backbone: BackboneName): string[] {
  const available = backboneInfo(backbone).availableLevels;
  return extractor.levels.map(({ name, stride }) => {
    const same = available.filter((level) => level.stride === stride);
    const level = (backbone === extractor.name && same.find((one) => one.name === name)) || same.at(-1);
    if (level) return level.name;
    throw new DskdError(
      'invalid-config',
      `The student ${backbone} has no level of stride ${stride}, that of '${name}' of the teacher ${extractor.name}.`,
      {
        hint: 'Take levels of the teacher with strides of 4, 8 and 16, or another options.backbone.',
        details: { backbone, strides: available.map((one) => one.stride), wanted: stride },
      },
    );
  });
}

function studentOf({ teacher, inputSize, seed }: FitPlan, given: StfpmOptions): ImageStudentOptions {
  if (!teacher) {
    throw new DskdError('invalid-argument', 'The method stfpm needs a teacher; got none.', {
      hint: 'loadTeacher of @dskd/models makes one; the package dskd brings its own.',
    });
  }
  const backbone = backboneFor(teacher, given);
  const levels = levelsFor(teacher, backbone);
  const wanted = teacher.extractor.levels.map(({ channels }) => channels);
  const isOwn = backbone === teacher.extractor.name && given.width === 1;
  return {
    kind: 'backbone',
    backbone,
    width: given.width,
    inputSize: [inputSize[0], inputSize[1]],
    heads: isOwn ? null : Object.fromEntries(levels.map((level, index) => [level, wanted[index]!])),
    levels,
    seed,
  };
}

/** Student-teacher feature pyramid matching (Wang et al., BMVC 2021), after the authors' code, gdwang08/STFPM main.py. */
export const stfpmMethod = imageMethod<StfpmOptions>({
  name: 'stfpm',
  summary: "a student of the image with the teacher's own shape, at three levels (Wang et al., BMVC 2021)",
  options,
  profiles: { paper: options.parse({ width: 1, batchSize: 32, epochs: 100 }), lite: options.parse({}) },
  teacher: true,
  tiling: (given) => ({ tile: given, whole: null }),
  training: (plan, given) => ({
    branch: 'local',
    plan: {
      student: studentOf(plan, given),
      objective: { name: 'squaredUnitDistance', options: {} },
      optimizer: {
        kind: 'sgd',
        learningRate: given.learningRate,
        momentum: given.momentum,
        weightDecay: given.weightDecay,
      },
    },
    levels: { fusion: 'product', alignCorners: false },
    input: IMAGE_AS_IT_IS,
    epochs: epochsOf('stfpm', given),
    minutes: given.minutes,
    earlyStopping: given.earlyStopping,
    batchSize: given.batchSize,
  }),
});
