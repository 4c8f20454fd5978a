// The rasterizer, for other generators of images (@dskd/distillation).
export { clamp, smoothStep } from './math.js';
export { type Color, mixed } from './raster/blend.js';
export { Canvas } from './raster/canvas.js';
export type { Paint } from './raster/paint.js';
export { type Box, circle, convex, PLANE, type Shape, squeezed, turned } from './raster/shape.js';
export { PIXEL_VIEW, type View } from './raster/view.js';
