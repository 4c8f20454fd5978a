// Entry of a helper thread in a page.
import { help, type HelperData } from './helper.js';

// Of the scope of a worker, whose types the compiler has only instead of those of a page.
const post = postMessage as (message: string) => void;
addEventListener('message', ({ data }: MessageEvent<HelperData>) => help(data, () => post('ready')));
