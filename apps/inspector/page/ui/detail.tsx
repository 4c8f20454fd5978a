import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { setTruth } from '../actions/inspect.js';
import { teach, undoLesson } from '../actions/models.js';
import { inspector, reasonOf } from '../client.js';
import { number, t } from '../languages/index.js';
import { areas, busy, model, threshold, type InspectedImage } from '../state.js';
import type { FoundRegion, View } from '../worker/api.js';
import { Bitmap, branchName } from './parts.js';
import { problemText } from './problem-text.js';

function close(view: View): void {
  view.image.close();
  for (const bitmap of Object.values(view.maps)) bitmap.close();
  for (const { nearest } of view.regions) {
    nearest?.region.close();
    nearest?.good?.close();
  }
}

type Drawn = View | { readonly problem: string } | undefined;

/** The view of an image by the worker; what came before is closed. */
function useView({ id, file, inspection }: InspectedImage): Drawn {
  const [view, setView] = useState<Drawn>();
  const limit = model.value!.threshold;
  useEffect(() => {
    let drawn: View | undefined;
    let isGone = false;
    inspector.view({ id, file }, areas.value).then(
      (result) => {
        if (isGone) {
          close(result);
          return;
        }
        drawn = result;
        setView(result);
      },
      (error: unknown) => setView({ problem: reasonOf(error) }),
    );
    return () => {
      isGone = true;
      if (drawn) close(drawn);
    };
  }, [id, file, inspection, limit]);
  return view;
}

function Region({ region, index }: { readonly region: FoundRegion; readonly index: number }): JSX.Element {
  const { box, area, score, nearest } = region;
  return (
    <li>
      <p>
        {t('region', {
          number: index + 1,
          width: Math.round(box.width),
          height: Math.round(box.height),
          area: number(area),
          score: number(score, 2),
        })}
      </p>
      {nearest && (
        <figure class="nearest">
          <Bitmap bitmap={nearest.region} label={t('cutRegion')} />
          {nearest.good && <Bitmap bitmap={nearest.good} label={t('cutGood')} />}
          <figcaption>
            {t('nearest', { from: nearest.from, distance: number(nearest.distance, 2) })}
          </figcaption>
        </figure>
      )}
    </li>
  );
}

/** Boxes of the regions over the image. */
function Boxes({ view }: { readonly view: View }): JSX.Element {
  const { width, height, regions } = view;
  return (
    <svg class="boxes" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {regions.map(({ box }, index) => (
        <rect key={index} x={box.left} y={box.top} width={box.width} height={box.height} />
      ))}
    </svg>
  );
}

/** The color scale, the same for every image. */
function Scale(): JSX.Element {
  return (
    <div class="scale">
      <span class="gradient" aria-hidden="true" />
      <span>{t('scaleLow')}</span>
      <span>
        {t('scaleThreshold')} {number(threshold.value, 2)}
      </span>
      <span>{t('scaleHigh')}</span>
    </div>
  );
}

/** One image: maps, branches, regions with the nearest good patch, and what the user says of it. */
export function Detail({ image }: { readonly image: InspectedImage }): JSX.Element {
  const view = useView(image);
  const [layer, setLayer] = useState('fused');
  const { id, truth } = image;
  const { score, pValue, branches } = image.inspection!;
  const { canExtend, lessons } = model.value!;
  const isAnomalous = score > threshold.value;
  const drawn = view && !('problem' in view) ? view : undefined;
  return (
    <article class="detail" aria-label={id} data-id={id}>
      <h3>{id}</h3>
      <p class={isAnomalous ? 'outcome is-anomalous' : 'outcome is-good'} id="verdict">
        <b>
          {isAnomalous ? '✗' : '✓'} {t(isAnomalous ? 'anomalous' : 'good')}
        </b>{' '}
        {[
          t('score', { score: number(score, 2) }),
          t('pValue', { p: number(pValue, 3) }),
          ...(truth ? [t(truth === 'good' ? 'truthGood' : 'truthBad')] : []),
        ].join(t('separator'))}
      </p>
      {view && 'problem' in view && <p class="hint">{problemText(view.problem)}</p>}
      {drawn && (
        <>
          <fieldset class="layers">
            <legend>{t('show')}</legend>
            {['image', ...Object.keys(drawn.maps)].map((name) => (
              <label key={name}>
                <input
                  type="radio"
                  name="layer"
                  value={name}
                  checked={layer === name}
                  onChange={() => setLayer(name)}
                />
                {name === 'image'
                  ? t('showImage')
                  : name === 'fused'
                    ? t('showFused')
                    : t('branch', { name: branchName(name) })}
              </label>
            ))}
          </fieldset>
          <div class="picture">
            <Bitmap bitmap={drawn.maps[layer] ?? drawn.image} label={id} />
            {layer !== 'image' && <Boxes view={drawn} />}
          </div>
          <Scale />
        </>
      )}
      <p class="buttons">
        <button
          type="button"
          id="is-good"
          disabled={busy.value || !canExtend}
          title={t('isGoodHint')}
          onClick={() => void teach(id)}
        >
          {t('isGood')}
        </button>
        <button type="button" disabled={busy.value} onClick={() => setTruth(id, 'anomalous')}>
          {t('isBad')}
        </button>
        {lessons > 0 && (
          <button type="button" class="quiet" disabled={busy.value} onClick={() => void undoLesson()}>
            {t('undoLesson')}
          </button>
        )}
      </p>
      <h4>{t('branches')}</h4>
      <ul class="branches">
        {Object.entries(branches).map(([name, branch]) => (
          <li key={name} class={branch.anomalous ? 'is-anomalous' : 'is-good'}>
            {branch.anomalous ? '✗' : '✓'} {branchName(name)}:{' '}
            {t('score', { score: number(branch.score, 2) })}
            {t('separator')}
            {t('pValue', { p: number(branch.pValue, 3) })}
          </li>
        ))}
      </ul>
      {drawn && (
        <>
          <h4>{t('regions')}</h4>
          {drawn.regions.length === 0 && <p>{t('noRegions')}</p>}
          <ol class="regions">
            {drawn.regions.map((region, index) => (
              <Region key={index} region={region} index={index} />
            ))}
          </ol>
        </>
      )}
    </article>
  );
}
