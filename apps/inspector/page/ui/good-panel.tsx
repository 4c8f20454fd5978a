import type { JSX } from 'preact';
import { addGoodImages, removeGoodImage, removeGoodImages } from '../actions/good-images.js';
import { tryExample } from '../actions/learn.js';
import { t } from '../languages/index.js';
import { busy, compute, firstOfDigest, goodImages, usable, type GoodImage } from '../state.js';
import { AreasEditor } from './areas-editor.js';
import { Bitmap, DropZone, FileButton } from './parts.js';
import { problemText } from './problem-text.js';

function GoodTile({ image }: { readonly image: GoodImage }): JSX.Element | null {
  const { id, look } = image;
  if (look && !look.ok) return null;
  const first = look && firstOfDigest.value.get(look.digest);
  const isDuplicate = first !== undefined && first !== id;
  return (
    <li
      class={isDuplicate ? 'tile duplicate' : 'tile'}
      title={isDuplicate ? t('duplicateOf', { id: first }) : id}
    >
      {look ? <Bitmap bitmap={look.thumbnail} label={id} /> : <span class="waiting" />}
      {isDuplicate && <span class="badge">{t('duplicateOf', { id: first })}</span>}
      <button
        type="button"
        class="remove"
        aria-label={t('removeImage', { id })}
        onClick={() => removeGoodImage(id)}
      >
        ×
      </button>
    </li>
  );
}

/** Files that cannot be used, each with its reason. */
export function Problems({
  images,
}: {
  readonly images: readonly Pick<GoodImage, 'id' | 'look'>[];
}): JSX.Element | null {
  const problems = images.flatMap(({ id, look }) =>
    look && !look.ok ? [{ id, problem: look.problem }] : [],
  );
  if (problems.length === 0) return null;
  return (
    <details class="problems" open>
      <summary>{t('problemCount', { count: problems.length })}</summary>
      <ul>
        {problems.map(({ id, problem }) => (
          <li key={id}>
            <b>{id}</b>: {problemText(problem)}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Step 1: images of good parts. */
export function GoodPanel(): JSX.Element {
  const images = goodImages.value;
  const readable = images.filter(({ look }) => look?.ok).length;
  const duplicates = readable - usable.value.length;
  return (
    <section aria-labelledby="good-heading" class="panel">
      <h2 id="good-heading">{t('goodHeading')}</h2>
      <DropZone onFiles={addGoodImages} label={t('goodHeading')}>
        <p>{t('goodHint')}</p>
        <p class="buttons">
          <FileButton
            id="good-files"
            onFiles={addGoodImages}
            label={t('chooseFiles')}
            multiple
            disabled={busy.value}
          />
          <FileButton onFiles={addGoodImages} label={t('chooseFolder')} folder disabled={busy.value} />
          <button
            type="button"
            id="try-example"
            disabled={busy.value || !compute.value}
            onClick={() => void tryExample()}
          >
            {t('tryExample')}
          </button>
        </p>
      </DropZone>
      {images.length > 0 && (
        <>
          <p class="summary">
            <span data-count={usable.value.length} id="good-count">
              {t('goodCount', { count: usable.value.length })}
            </span>
            {duplicates > 0 && (
              <span>
                {t('separator')}
                {t('duplicateCount', { count: duplicates })}
              </span>
            )}{' '}
            <button type="button" class="quiet" disabled={busy.value} onClick={removeGoodImages}>
              {t('removeAll')}
            </button>
          </p>
          <ul class="tiles" tabIndex={0} aria-label={t('goodCount', { count: usable.value.length })}>
            {images.map((image) => (
              <GoodTile key={image.id} image={image} />
            ))}
          </ul>
          <Problems images={images} />
          <AreasEditor />
        </>
      )}
    </section>
  );
}
