/// <reference lib="webworker" />
import { cleanupOutdatedCaches, precacheAndRoute, type PrecacheEntry } from 'workbox-precaching';

declare const self: ServiceWorkerGlobalScope & { readonly __FILES: PrecacheEntry[] };

// A new version waits until no tab shows the old one: files of two versions are never mixed.
precacheAndRoute(self.__FILES);
cleanupOutdatedCaches();
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
