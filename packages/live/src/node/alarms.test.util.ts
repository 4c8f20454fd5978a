import type { Alarm } from './alarm.js';

/** An alarm with this id. */
export function madeUpAlarm(id: string, image?: Alarm['image']): Alarm {
  return {
    event: {
      id,
      model: 'tray',
      method: 'instant',
      source: 'folder:in',
      frame: '7.png',
      time: '2026-11-30T06:00:01.500Z',
      since: '2026-11-30T06:00:00.000Z',
      score: 3,
      threshold: 2,
      pValue: 0.01,
      branches: { local: { score: 3, anomalous: true } },
      regions: [{ box: { left: 1, top: 2, width: 3, height: 4 }, area: 12, score: 3, peak: { x: 2, y: 3 } }],
    },
    image,
  };
}
