import type { JSX } from 'preact';
import { addInspected, removeInspected } from '../actions/inspect.js';
import { number, t } from '../languages/index.js';
import { busy, inspected, model, selected, threshold, type InspectedImage } from '../state.js';
import { Detail } from './detail.js';
import { Problems } from './good-panel.js';
import { ThresholdSlider } from './histogram.js';
import { Bitmap, DropZone, FileButton } from './parts.js';

function InspectedTile({ image }: { readonly image: InspectedImage }): JSX.Element | null {
  const { id, look, inspection } = image;
  if (look && !look.ok) return null;
  const isAnomalous = inspection && inspection.score > threshold.value;
  const verdict = t(isAnomalous ? 'anomalous' : 'good');
  const label = inspection ? t('selectImage', { id, verdict, score: number(inspection.score, 2) }) : id;
  return (
    <li>
      <button
        type="button"
        class={`tile ${inspection ? (isAnomalous ? 'is-anomalous' : 'is-good') : ''}`}
        aria-pressed={selected.value === id}
        aria-label={label}
        title={label}
        disabled={!inspection}
        data-id={id}
        onClick={() => (selected.value = id)}
      >
        {look ? <Bitmap bitmap={look.thumbnail} label="" /> : <span class="waiting" />}
        {inspection && (
          <span class="verdict">
            {isAnomalous ? '✗' : '✓'} {number(inspection.score, 2)}
          </span>
        )}
      </button>
    </li>
  );
}

/** The anomalous ones first, the highest score before the others. */
const byScore = (a: InspectedImage, b: InspectedImage): number =>
  (b.inspection?.score ?? -Infinity) - (a.inspection?.score ?? -Infinity);

/** Step 3: images to inspect, the threshold, and one image in detail. */
export function InspectPanel(): JSX.Element {
  const images = inspected.value;
  const open = images.find(({ id }) => id === selected.value);
  return (
    <section aria-labelledby="inspect-heading" class="panel">
      <h2 id="inspect-heading">{t('inspectHeading')}</h2>
      <DropZone onFiles={addInspected} label={t('inspectHeading')}>
        <p>{model.value ? t('inspectHint') : t('noModel')}</p>
        <p class="buttons">
          <FileButton
            id="inspect-files"
            onFiles={addInspected}
            label={t('chooseFiles')}
            multiple
            disabled={busy.value || !model.value}
          />
          <FileButton
            onFiles={addInspected}
            label={t('chooseFolder')}
            folder
            disabled={busy.value || !model.value}
          />
          {images.length > 0 && (
            <button type="button" class="quiet" disabled={busy.value} onClick={removeInspected}>
              {t('removeAll')}
            </button>
          )}
        </p>
      </DropZone>
      <ThresholdSlider />
      {images.length > 0 && (
        <ul class="tiles" id="results" tabIndex={0} aria-label={t('inspectHeading')}>
          {[...images].sort(byScore).map((image) => (
            <InspectedTile key={image.id} image={image} />
          ))}
        </ul>
      )}
      <Problems images={images} />
      {open?.inspection && model.value && <Detail key={open.id} image={open} />}
    </section>
  );
}
