import type { JSX } from 'preact';
import {
  downloadCsv,
  downloadModel,
  downloadOnnx,
  downloadReport,
  openModel,
  openModelFile,
  removeModel,
} from '../actions/models.js';
import { t } from '../languages/index.js';
import { busy, compute, inspected, model, openName, savedNames } from '../state.js';
import { FileButton } from './parts.js';

function Facts(): JSX.Element {
  const facts = model.value;
  if (!facts) return <p>{t('noModel')}</p>;
  const { inputSize, images, lessons, goodScores } = facts;
  const [height, width] = inputSize;
  return (
    <p id="model-facts">
      <b>{openName.value}</b>:{' '}
      {t('modelFacts', { method: facts.method, width, height, images, calibrating: goodScores.length })}
      {lessons > 0 && `${t('separator')}${t('lessons', { count: lessons })}`}
    </p>
  );
}

function Downloads(): JSX.Element | null {
  if (!model.value) return null;
  const isEmpty = inspected.value.every(({ inspection }) => !inspection);
  return (
    <p class="buttons" role="group" aria-label={t('download')}>
      <button type="button" id="download-model" disabled={busy.value} onClick={() => void downloadModel()}>
        {t('downloadModel')}
      </button>
      <button type="button" id="download-onnx" disabled={busy.value} onClick={() => void downloadOnnx()}>
        {t('downloadOnnx')}
      </button>
      <button
        type="button"
        id="download-report"
        disabled={busy.value || isEmpty}
        onClick={() => void downloadReport()}
      >
        {t('downloadReport')}
      </button>
      <button type="button" id="download-csv" disabled={busy.value || isEmpty} onClick={downloadCsv}>
        {t('downloadCsv')}
      </button>
    </p>
  );
}

/** The current model, what it can be saved as, and the models that are kept on this machine. */
export function ModelPanel(): JSX.Element {
  return (
    <section aria-labelledby="model-heading" class="panel">
      <h2 id="model-heading">{t('modelHeading')}</h2>
      <Facts />
      <Downloads />
      <p class="buttons">
        <FileButton
          id="model-file"
          accept=".safetensors"
          label={t('openModel')}
          disabled={busy.value || !compute.value}
          onFiles={async ([first]) => {
            if (first) await openModelFile(first.file);
          }}
        />
      </p>
      {savedNames.value.length > 0 && (
        <>
          <h3>{t('savedModels')}</h3>
          <ul class="models" id="saved-models">
            {savedNames.value.map((name) => (
              <li key={name}>
                <button
                  type="button"
                  class="quiet"
                  aria-label={t('open', { name })}
                  disabled={busy.value || !compute.value}
                  onClick={() => void openModel(name)}
                >
                  {name}
                </button>
                <button
                  type="button"
                  class="remove"
                  aria-label={t('remove', { name })}
                  disabled={busy.value}
                  onClick={() => void removeModel(name)}
                >
                  ×
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
