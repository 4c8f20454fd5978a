import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../languages/index.js';
import { areas, usable } from '../state.js';
import type { Area } from '../worker/api.js';

/** Share of the image that an arrow key moves or resizes an area by. */
const STEP = 0.02;
/** Smaller ones are slips of the mouse. */
const SMALLEST = 0.01;

/** Points as near to an edge of the image as this are on it: a strip of pixels that is left there would count. */
const SNAP = 0.02;

const clamp = (value: number, low = 0, high = 1): number => Math.min(high, Math.max(low, value));

/** A position on the image, on its edge where it is near. */
function snapped(share: number): number {
  if (share < SNAP) return 0;
  return share > 1 - SNAP ? 1 : share;
}

/** The area between two points, in shares of the image. */
function between(a: DOMPointReadOnly, b: DOMPointReadOnly): Area {
  const left = Math.min(a.x, b.x);
  const top = Math.min(a.y, b.y);
  return { left, top, width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) };
}

function replace(index: number, area: Area | undefined): void {
  areas.value = areas.value.flatMap((each, at) => {
    if (at !== index) return [each];
    return area ? [area] : [];
  });
}

const DIRECTIONS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-STEP, 0],
  ArrowRight: [STEP, 0],
  ArrowUp: [0, -STEP],
  ArrowDown: [0, STEP],
};

function onKey(event: KeyboardEvent, index: number): void {
  const direction = DIRECTIONS[event.key];
  const isRemoval = event.key === 'Delete' || event.key === 'Backspace';
  if (!direction && !isRemoval) return;
  event.preventDefault();
  const { left, top, width, height } = areas.value[index]!;
  if (!direction) replace(index, undefined);
  else if (event.shiftKey) {
    replace(index, {
      left,
      top,
      width: clamp(width + direction[0], SMALLEST, 1 - left),
      height: clamp(height + direction[1], SMALLEST, 1 - top),
    });
  } else {
    replace(index, {
      left: clamp(left + direction[0], 0, 1 - width),
      top: clamp(top + direction[1], 0, 1 - height),
      width,
      height,
    });
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;
const styleOf = ({ left, top, width, height }: Area): JSX.CSSProperties => ({
  left: percent(left),
  top: percent(top),
  width: percent(width),
  height: percent(height),
});

/** The first good image as an address; undefined without one. */
function useFirstImage(): string | undefined {
  const file = usable.value[0]?.file;
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!file) return setUrl(undefined);
    const address = URL.createObjectURL(file);
    setUrl(address);
    return () => URL.revokeObjectURL(address);
  }, [file]);
  return url;
}

/** Areas that do not count, drawn over the first good image with the mouse, or moved with the keyboard. */
export function AreasEditor(): JSX.Element | null {
  const url = useFirstImage();
  const box = useRef<HTMLDivElement>(null);
  const [start, setStart] = useState<DOMPointReadOnly>();
  const [drawn, setDrawn] = useState<Area>();
  if (url === undefined) return null;

  const pointAt = (event: PointerEvent): DOMPointReadOnly => {
    const { left, top, width, height } = box.current!.getBoundingClientRect();
    return new DOMPointReadOnly(
      snapped((event.clientX - left) / width),
      snapped((event.clientY - top) / height),
    );
  };
  const finish = (): void => {
    if (drawn && drawn.width > SMALLEST && drawn.height > SMALLEST) areas.value = [...areas.value, drawn];
    setStart(undefined);
    setDrawn(undefined);
  };
  return (
    <details class="areas-editor">
      <summary>
        {t('areasHeading')} ({areas.value.length})
      </summary>
      <p class="hint">{t('areasHint')}</p>
      <div
        class="areas"
        id="areas"
        ref={box}
        onPointerDown={(event) => {
          if (event.target instanceof HTMLButtonElement) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setStart(pointAt(event));
        }}
        onPointerMove={(event) => {
          if (start) setDrawn(between(start, pointAt(event)));
        }}
        onPointerUp={finish}
        onPointerCancel={finish}
      >
        <img src={url} alt="" draggable={false} />
        {areas.value.map((area, index) => (
          <button
            key={index}
            type="button"
            class="area"
            style={styleOf(area)}
            aria-label={t('area', { number: index + 1 })}
            onKeyDown={(event) => onKey(event, index)}
          />
        ))}
        {drawn && <span class="area" style={styleOf(drawn)} />}
      </div>
      <p class="buttons">
        <button
          type="button"
          onClick={() => (areas.value = [...areas.value, { left: 0.4, top: 0.4, width: 0.2, height: 0.2 }])}
        >
          {t('addArea')}
        </button>
        {areas.value.length > 0 && (
          <button type="button" class="quiet" onClick={() => (areas.value = [])}>
            {t('removeAreas')}
          </button>
        )}
      </p>
    </details>
  );
}
