import { openSource } from '@dskd/data/node';
import { trainDetector } from 'dskd';
const source = await openSource({ root: '/work/shared/data/mvtec_ad', category: process.argv[2] ?? 'transistor' });
const t0=performance.now();let last=t0,stage='';
const side=+(process.argv[3]??128);
const d=await trainDetector(source,{method:'instant',input:{size:[side,side]},backend:'wasm',seed:1,onEvent:e=>{if(e.type==='fit-progress'&&e.stage!==stage){const n=performance.now();console.log(stage,((n-last)/1000).toFixed(2));last=n;stage=e.stage} else if(e.type==='calibration-start'){const n=performance.now();console.log(stage,((n-last)/1000).toFixed(2));last=n;stage='calibration'}}});
const n=performance.now();console.log(stage,((n-last)/1000).toFixed(2),'all',((n-t0)/1000).toFixed(2), (d.toBytes().length/1e6).toFixed(2),'MB', (process.resourceUsage().maxRSS/1024).toFixed(0));
