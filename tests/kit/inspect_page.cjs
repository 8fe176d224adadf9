// What a browser finds of a page on a desktop and on a phone, light and dark, as JSON on standard output.
// Arguments: the page, the browser, a folder for screenshots.
const path = require('node:path');
const { chromium } = require('playwright-core');

const [page, executablePath, screenshots] = process.argv.slice(2);
const viewports = [
  ['desktop', 1280, 900, 'light'],
  ['desktop-dark', 1280, 900, 'dark'],
  ['phone', 390, 844, 'light'],
  ['phone-dark', 390, 844, 'dark'],
];

// Runs in the page.
function findings() {
  const box = (element) => element.getBoundingClientRect();
  const figures = [...document.querySelectorAll('figure')];
  const texts = [...document.querySelectorAll('figure svg text')];
  const outside = (text) => {
    const own = box(text);
    const figure = box(text.closest('figure'));
    return own.left < figure.left - 1 || own.right > figure.right + 1;
  };
  const luminance = (colour) => colour.match(/\d+/g).slice(0, 3).reduce((sum, c) => sum + Number(c), 0) / 765;
  const style = getComputedStyle(document.body);
  return {
    titles: figures.map((figure) => figure.querySelector('h3').textContent),
    empty: figures.filter((figure) => box(figure.querySelector('svg')).height < 100).length,
    textsOutside: texts.filter(outside).map((text) => text.textContent),
    smallestText: Math.min(...texts.map((text) => box(text)).map((b) => Math.min(b.height, b.width > b.height ? b.height : b.width))),
    overflow: document.documentElement.scrollWidth - innerWidth,
    tables: document.querySelectorAll('table').length,
    background: luminance(style.backgroundColor),
    foreground: luminance(style.color),
  };
}

(async () => {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const results = [];
  for (const [viewport, width, height, colorScheme] of viewports) {
    const tab = await browser.newPage({ viewport: { width, height }, colorScheme });
    const consoleErrors = [];
    const requests = [];
    tab.on('console', (message) => consoleErrors.push(message.text()));
    tab.on('pageerror', (error) => consoleErrors.push(String(error)));
    tab.on('request', (request) => requests.push(request.url()));
    await tab.goto(`file://${path.resolve(page)}`);
    results.push({ viewport, consoleErrors, requests: requests.length, ...(await tab.evaluate(findings)) });
    await tab.screenshot({ path: path.join(screenshots, `${viewport}.png`), fullPage: true });
    await tab.close();
  }
  await browser.close();
  console.log(JSON.stringify(results));
})();
