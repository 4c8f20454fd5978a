import { createHash } from 'node:crypto';
import { CATEGORIES } from './categories.js';
import { generateScene, GENERATOR_VERSION, type SceneOptions } from './generate-scene.js';

/**
 * Digests by generator version, of images and masks at 128 px. A new version gets a new entry; an entry is never
 * changed, since detectors were trained on its images.
 */
const DIGESTS: Readonly<Record<number, Readonly<Record<string, Record<string, string>>>>> = {
  1: {
    tray: {
      train: '85fba4f0ee3e9a0b4fb991f60e0b84ce19a2723f9ab921dbabb7c2d6fca82114',
      validation: 'f17bc49c7ffac8fa90875cf38e345bfe1bbadd326cd6a02dbebaa480e36e41fd',
      anomalies: 'cc81c686931b2e778dd4239bec52084ce23c82cc8e14dc4a188f4cba86b7c4a0',
      hard: '0eb8482dd8418d02d86889dde1488d1388a627fa33dccda64a8ea0f28b6c0f57',
      larger: '1cff53c6d1733e92cabe06e3addb389069405dea0f4ecb1fa29e0826db39c126',
    },
    box: {
      train: 'd4cf8a08c75d1fe3be2e1ee817b9dfadb44d07b5c98cf9968c54211cb2103753',
      validation: '6ca874226f0b51f383c0d615c12380146a001c12286a2b0ba9cdc66a8d3c2716',
      anomalies: '3507371f1143399c77312791be990ccadb03f9f3ba941a65bd2fc360cbde7bfd',
      hard: '474179a8833fccad9a359d4634c38c51f456d236cce2d4278cef61f95a4b466e',
      larger: '4fd6a59e071b12c210b8d2ff535f81360f200e422adf1368b0093a0a654b17f4',
    },
    bag: {
      train: 'decef14f195bcb492a4ba47ddb5a55f478e87fae85bac1cf215c3293461bdd50',
      validation: '7b69dafb9448ed10a13de20647f945219dd802b8c5d3aecb49f106824f8355e9',
      anomalies: '6311fefbb15fe6a6a26f4e65d41bb94a59b93d40ef464baef9054f2066f7ec3d',
      hard: '0db6f2dc750b02f1e57c4fb06a4a709fbee027ad13ed9b183e5bdb025ceb314a',
      larger: 'aa83c1299c41cdee5d315ff5f40d522457ac06ea358e64ee3962d9ff4121e8ee',
    },
    harness: {
      train: '059d4d2080a618561626b2f652b5b61ed54f21486cd2deae15bcf118bb3e830f',
      validation: '1ccf2180f66b07694a3b05de0537d0518d7d55533679d98bc1b4e9dab39019bd',
      anomalies: 'afbeb76bed6650e92c8b14eb1afd06838e9fdd40f80b435813acabca30ea5f27',
      hard: 'b11f1c74c7d1f86a1543ddff1a75b4fe0129e2f3ff5c1f76910a81de9d7ae358',
      larger: '2a249c2e90d9aff3d46ddfb5c6ceb49811f284bcd55940ff18d71f9dabab8b05',
    },
    flask: {
      train: 'e71dc1c33d76b1a82bf2b42d092dcc4d1db1132bd34160d42683b23c35716ae7',
      validation: 'a3235587cd94393a4567d24f348562d1ff69df5b907437e18c7c329f45434351',
      anomalies: 'da0e27d01c34c4b1d85cd3f0a38e5c76d2c79e22be47e0042291efc3e606867f',
      hard: '9b051eb1f9c230755232a52cbf3f41f5e87f9ce66c21274e7e0d02833ff31ae2',
      larger: '549b9b68cb31a6f5ef105ae6f664358ebc4c3358ee1173413e60e516a8a8bd9a',
    },
  },
};

function digest(scenes: readonly SceneOptions[]): string {
  const hash = createHash('sha256');
  for (const options of scenes) {
    const { image, regions } = generateScene(options);
    hash.update(image.data);
    for (const { mask } of regions) hash.update(mask.data);
  }
  return hash.digest('hex');
}

test.each(CATEGORIES)(
  '$name: the pixels are those of this version of the generator',
  ({ name, anomalies }) => {
    const scene = { category: name, size: 128, seed: 20260701, index: 0 } as const;
    const all = (level: 'standard' | 'hard'): SceneOptions[] =>
      anomalies.map((anomaly, index) => ({ ...scene, index, split: 'test', level, anomaly: anomaly.name }));
    expect({
      train: digest([{ ...scene, split: 'train' }]),
      validation: digest([{ ...scene, split: 'validation' }]),
      anomalies: digest(all('standard')),
      hard: digest(all('hard')),
      larger: digest([{ ...scene, split: 'test', size: 200 }]),
    }).toEqual(DIGESTS[GENERATOR_VERSION]![name]);
  },
);
