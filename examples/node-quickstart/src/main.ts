// Learns what good parts look like from a folder of images, saves that, and looks at other images.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { trainDetector } from 'dskd';

const [goodImages = 'out/tray/train/good', otherImages = 'out/tray/test'] = process.argv.slice(2);

using detector = await trainDetector(goodImages, { calibration: { holdOutFraction: 0.25 } });
await detector.save('out/detector.safetensors'); // loadDetector reads it, teacher and all
for (const file of await readdir(otherImages, { recursive: true })) {
  if (!file.endsWith('.png')) continue;
  const image = path.join(otherImages, file);
  const { verdict, pValue } = await detector.predict(image);
  console.log(`${image}: ${verdict}, p ${pValue.toFixed(3)}`);
}
