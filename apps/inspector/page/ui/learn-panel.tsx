import type { JSX } from 'preact';
import { learn, WITH_EPOCHS } from '../actions/learn.js';
import { t } from '../languages/index.js';
import { busy, compute, epochs, losses, method, methods, modelName, side, usable } from '../state.js';
import { LossCurve } from './loss-curve.js';

function methodLabel(name: string): string {
  if (name === 'instant') return t('methodInstant');
  return name === 'dskd' ? t('methodDskd') : name;
}

/** Step 2: method and training. */
export function LearnPanel(): JSX.Element {
  const tooFew = usable.value.length < 2;
  return (
    <section aria-labelledby="learn-heading" class="panel">
      <h2 id="learn-heading">{t('learnHeading')}</h2>
      <div class="fields">
        <label>
          {t('method')}
          <select
            id="method"
            value={method.value}
            onChange={(event) => (method.value = event.currentTarget.value)}
          >
            {methods.value.map((name) => (
              <option key={name} value={name}>
                {methodLabel(name)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t('resolution')}
          <select
            id="side"
            value={side.value ?? ''}
            onChange={(event) => (side.value = Number(event.currentTarget.value) || null)}
          >
            <option value="">{t('resolutionAuto')}</option>
            <option value={128}>{t('resolutionFast')}</option>
            <option value={256}>{t('resolutionFine')}</option>
          </select>
        </label>
        {WITH_EPOCHS.includes(method.value) && (
          <label>
            {t('epochs')}
            <input
              id="epochs"
              type="number"
              min={1}
              max={1000}
              value={epochs.value}
              onChange={(event) =>
                (epochs.value = Math.max(1, Math.round(Number(event.currentTarget.value))))
              }
            />
          </label>
        )}
        <label>
          {t('modelName')}
          <input
            id="model-name"
            type="text"
            maxLength={60}
            value={modelName.value}
            onInput={(event) => (modelName.value = event.currentTarget.value)}
          />
        </label>
      </div>
      <button
        type="button"
        id="learn"
        class="primary"
        disabled={busy.value || tooFew || !compute.value}
        onClick={() => void learn()}
      >
        {t('learn')}
      </button>
      {tooFew && <p class="hint">{t('needImages')}</p>}
      <LossCurve losses={losses.value} />
    </section>
  );
}
