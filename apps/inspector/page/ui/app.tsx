import type { JSX } from 'preact';
import { LANGUAGES, language, setLanguage, t, type Language } from '../languages/index.js';
import { compute, message, startFailure } from '../state.js';
import { SCHEMES, scheme, setScheme, type Scheme } from '../scheme.js';
import { CameraPanel } from './camera-panel.js';
import { GoodPanel } from './good-panel.js';
import { InspectPanel } from './inspect-panel.js';
import { LearnPanel } from './learn-panel.js';
import { ModelPanel } from './model-panel.js';
import { TaskBar } from './parts.js';

function ComputeText(): JSX.Element {
  const facts = compute.value;
  if (startFailure.value !== undefined) {
    return <span role="alert">{t('failedToStart', { reason: startFailure.value })}</span>;
  }
  if (!facts) return <span>{t('starting')}</span>;
  const { backend, adapter, threads, helped } = facts;
  const text =
    adapter === null
      ? t('computeFacts', { backend, count: threads })
      : t('computeAdapter', { backend, adapter });
  return (
    <span id="compute" data-backend={backend} data-threads={threads} data-helped={helped}>
      {text}
    </span>
  );
}

function Settings(): JSX.Element {
  return (
    <div class="settings">
      <label>
        {t('language')}
        <select
          id="language"
          value={language.value}
          onChange={(event) => setLanguage(event.currentTarget.value as Language)}
        >
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t('scheme')}
        <select
          id="scheme"
          value={scheme.value}
          onChange={(event) => setScheme(event.currentTarget.value as Scheme)}
        >
          {Object.entries(SCHEMES).map(([name, key]) => (
            <option key={name} value={name}>
              {t(key)}
            </option>
          ))}
        </select>
      </label>
      <ComputeText />
    </div>
  );
}

/** What happened last, and what is being done. Stays in sight. */
function Status(): JSX.Element {
  const { value } = message;
  return (
    <div class="status">
      <div role="status" id="message" class={value?.isError ? 'error' : ''}>
        {value?.text()}
      </div>
      <TaskBar />
    </div>
  );
}

export function App(): JSX.Element {
  return (
    <>
      <header>
        <div>
          <h1>{t('title')}</h1>
          <p>{t('tagline')}</p>
        </div>
        <Settings />
      </header>
      <main>
        <div class="column">
          <GoodPanel />
          <LearnPanel />
          <ModelPanel />
        </div>
        <div class="column">
          <InspectPanel />
          <CameraPanel />
        </div>
      </main>
      <footer>{t('footer')}</footer>
      <Status />
    </>
  );
}
