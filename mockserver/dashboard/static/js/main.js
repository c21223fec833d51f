/** Shows the page that the shell names. Each page is a module of `pages/`, which exports the component `Page`. */
import { applyTheme, Controls } from "./components/controls.js";
import { html, render } from "./lib/preact.js";

applyTheme();
const place = document.getElementById("page");
const { Page } = await import(`./pages/${place.dataset.page}.js`);
place.replaceChildren();
render(html`<${Page} id=${place.dataset.id} />`, place);
render(html`<${Controls} />`, document.getElementById("controls"));
