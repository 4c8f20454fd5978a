import DefaultTheme from 'vitepress/theme';
import './style.css';

/** Scrolls the sidebar to the page that is open, which is often below its end. The page itself stays where it is. */
function showOpenPage() {
  const sidebar = globalThis.document.querySelector('.VPSidebar');
  const link = sidebar?.querySelector('.is-link.is-active');
  if (!link) return;
  const top = link.getBoundingClientRect().top - sidebar.getBoundingClientRect().top;
  if (top < 0 || top > sidebar.clientHeight - link.clientHeight)
    sidebar.scrollTop += top - sidebar.clientHeight / 2;
}

export default {
  extends: DefaultTheme,
  enhanceApp({ router }) {
    // Pages are also rendered without a browser, when the site is built.
    if (!globalThis.document) return;
    // The sidebar is drawn after the route has changed, and groups open after that.
    router.onAfterRouteChange = () => void setTimeout(showOpenPage, 100);
  },
};
