import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import {
  inspectLive,
  isLive,
  liveRate,
  liveView,
  startCamera,
  stopCamera,
  stream,
  takeShot,
} from '../actions/camera.js';
import { attempt } from '../actions/tasks.js';
import { number, t } from '../languages/index.js';
import { busy, model, threshold } from '../state.js';
import type { LiveView } from '../worker/api.js';
import { Bitmap } from './parts.js';

function LiveResult({ view }: { readonly view: LiveView }): JSX.Element {
  const isAnomalous = view.score > threshold.value;
  const rate = liveRate.value;
  return (
    <div class="live" data-rate={rate?.perSecond}>
      <Bitmap bitmap={view.frame} label={t('cameraView')} />
      <p class={isAnomalous ? 'outcome is-anomalous' : 'outcome is-good'}>
        <b>
          {isAnomalous ? '✗' : '✓'} {t(isAnomalous ? 'anomalous' : 'good')}
        </b>{' '}
        {t('score', { score: number(view.score, 2) })}
      </p>
      {rate && (
        <p class="hint">
          {t('liveFacts', { rate: number(rate.perSecond, 1), dropped: number(100 * rate.leftOut) })}
        </p>
      )}
    </div>
  );
}

/** The camera: images to learn, and live inspection. */
export function CameraPanel(): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  const source = stream.value;
  useEffect(() => {
    if (!source || !video.current) return;
    video.current.srcObject = source;
    void attempt(() => video.current!.play());
  }, [source]);
  return (
    <section aria-labelledby="camera-heading" class="panel">
      <h2 id="camera-heading">{t('camera')}</h2>
      <p class="buttons">
        {source ? (
          <button type="button" id="camera-stop" onClick={stopCamera}>
            {t('cameraStop')}
          </button>
        ) : (
          <button type="button" id="camera-start" onClick={() => void startCamera()}>
            {t('cameraStart')}
          </button>
        )}
        {source && (
          <>
            <button
              type="button"
              id="camera-shot"
              disabled={busy.value}
              onClick={() => void attempt(() => takeShot(video.current!))}
            >
              {t('cameraShot')}
            </button>
            <label class="check">
              <input
                type="checkbox"
                id="camera-live"
                disabled={!model.value}
                checked={isLive.value}
                onChange={(event) => {
                  if (event.currentTarget.checked) void inspectLive(video.current!);
                  else isLive.value = false;
                }}
              />
              {t('cameraLive')}
            </label>
          </>
        )}
      </p>
      {source && (
        <video
          ref={video}
          muted
          playsInline
          aria-label={t('cameraView')}
          class={isLive.value ? 'small' : ''}
        />
      )}
      {liveView.value && <LiveResult view={liveView.value} />}
    </section>
  );
}
