import { proxy } from 'comlink';
import { render } from 'preact';
import { addInspected } from './actions/inspect.js';
import { listModels } from './actions/models.js';
import { attempt } from './actions/tasks.js';
import { inspector, reasonOf } from './client.js';
import { language, setLanguage, t } from './languages/index.js';
import { scheme, setScheme } from './scheme.js';
import { backendWanted, compute, methods, say, startFailure } from './state.js';
import type { Note } from './worker/api.js';
import { App } from './ui/app.js';
import './styles.css';

function onNote(note: Note): void {
  if (note.type === 'warning') say(() => note.message);
  else {
    compute.value = note.facts;
    say(() => t('deviceLost'), true);
  }
}

/** The methods that are known best come first. */
function inOrder(names: readonly string[]): string[] {
  const first = ['instant', 'dskd'];
  return [...first, ...names.filter((name) => !first.includes(name))];
}

/** What the page needs next time is fetched when this time has what it needs. */
function registerServiceWorker(): void {
  if (import.meta.env.PROD && 'serviceWorker' in navigator) void navigator.serviceWorker.register('sw.js');
}

async function start(): Promise<void> {
  try {
    compute.value = await inspector.start(backendWanted(), proxy(onNote));
    methods.value = inOrder(await inspector.methods());
    await listModels();
    registerServiceWorker();
  } catch (error) {
    startFailure.value = reasonOf(error);
  }
}

setLanguage(language.value);
setScheme(scheme.value);
render(<App />, document.querySelector('#app')!);
void start();

document.addEventListener('paste', (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length === 0) return;
  void attempt(() => addInspected(files.map((file) => ({ id: file.name, file }))));
});
// A file that misses its place must not replace the page.
for (const type of ['dragover', 'drop']) addEventListener(type, (event) => event.preventDefault());
