import path from 'node:path';
import { defaultCacheFolder, weightsPath } from './cache-folder.js';

const home = path.resolve('/home/someone');

test.each([
  ['linux', {}, path.join(home, '.cache/dskd')],
  ['darwin', {}, path.join(home, 'Library/Caches/dskd')],
  ['win32', {}, path.join(home, 'AppData/Local/dskd/Cache')],
  ['win32', { LOCALAPPDATA: path.resolve('/local') }, path.resolve('/local/dskd/Cache')],
  ['darwin', { XDG_CACHE_HOME: path.resolve('/xdg') }, path.resolve('/xdg/dskd')],
  ['linux', { XDG_CACHE_HOME: 'relative' }, path.join(home, '.cache/dskd')],
  ['linux', { DSKD_CACHE: 'here', XDG_CACHE_HOME: path.resolve('/xdg') }, path.resolve('here')],
  ['linux', { DSKD_CACHE: '' }, path.join(home, '.cache/dskd')],
] as const)('%s %j: %s', (platform, environment, folder) => {
  expect(defaultCacheFolder(environment, platform, home)).toBe(folder);
});

test('files are in the subfolder weights', () => {
  expect(weightsPath('resnet18', { cacheFolder: '/cache' })).toBe(
    path.resolve('/cache/weights/resnet18-f37072fd.pth'),
  );
});
