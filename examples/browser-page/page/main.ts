// A page that inspects images with a detector trained elsewhere. Nothing is uploaded: all of it runs in the page.
import { loadDetector, type Detector } from 'dskd';

const verdict = document.querySelector<HTMLOutputElement>('#verdict')!;
let detector: Promise<Detector> | undefined;

function onFile(id: string, use: (file: File) => Promise<string>): void {
  document.querySelector<HTMLInputElement>(id)!.addEventListener('change', ({ target }) => {
    const [file] = (target as HTMLInputElement).files ?? [];
    if (!file) return;
    use(file).then(
      (text) => (verdict.value = text),
      (error: unknown) => (verdict.value = error instanceof Error ? error.message : String(error)),
    );
  });
}

onFile('#model', async (file) => {
  void detector?.then((old) => old.dispose());
  detector = file.arrayBuffer().then((bytes) => loadDetector(new Uint8Array(bytes)));
  return `${file.name}: ${(await detector).description.method}`;
});

onFile('#image', async (file) => {
  if (!detector) return 'Choose a detector first.';
  const { verdict, score, pValue } = await (await detector).predict(file);
  return `${file.name}: ${verdict}, score ${score.toFixed(2)}, p ${pValue.toFixed(3)}`;
});
