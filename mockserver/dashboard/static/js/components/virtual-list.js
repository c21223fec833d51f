/** A long list, of which only the rows in sight exist. */
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib/preact.js";

const SPARE = 8; // rows above and below those in sight
const NEAR = 40; // rows from the end at which more are asked for

/**
 * Show a table with `count` rows of the same `height`, in pixels. `header` are the cells of its head. `row(index, link)`
 * returns the cells of a row; one of them has a link to what the row shows, with the attributes `link`.
 * `rowClass(index)` is the class of a row.
 *
 * The arrow keys, Page Up, Page Down, Home and End move from row to row. `takeShift()` returns by how many rows the
 * content has moved down, so that what is being read stays in place; at the top new rows are shown. `onNearEnd()` is
 * called when the last rows come near.
 */
export function VirtualList({ count, height, label, header, row, rowClass, takeShift, onNearEnd }) {
  const box = useRef(null);
  const [top, setTop] = useState(0);
  const [room, setRoom] = useState(600);
  const [current, setCurrent] = useState(0);
  const wanted = useRef(-1); // the row to focus once it exists

  useEffect(() => {
    const observer = new ResizeObserver(([{ target }]) => setRoom(target.clientHeight));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    const shifted = takeShift();
    if (!shifted) return;
    const moved = Math.min(current + shifted, count - 1);
    const hasFocus = box.current.contains(document.activeElement);
    if (hasFocus) wanted.current = moved;
    if (hasFocus || current > 0) setCurrent(moved);
    if (hasFocus || box.current.scrollTop > 0) box.current.scrollTop += shifted * height;
    setTop(box.current.scrollTop);
  });
  useLayoutEffect(() => {
    const link = wanted.current >= 0 && box.current.querySelector(`[data-row="${wanted.current}"]`);
    if (!link) return;
    wanted.current = -1;
    link.focus({ preventScroll: true });
  });

  const first = Math.max(0, Math.floor(top / height) - SPARE);
  const last = Math.min(count, Math.ceil((top + room) / height) + SPARE);
  useEffect(() => {
    if (last >= count - NEAR) onNearEnd();
  }, [last, count]);

  const moveTo = (index) => {
    const to = Math.max(0, Math.min(count - 1, index));
    wanted.current = to;
    setCurrent(to);
    const body = box.current;
    const head = body.firstElementChild.offsetHeight;
    if (to * height < body.scrollTop) body.scrollTop = to * height;
    else if ((to + 1) * height + head > body.scrollTop + room) body.scrollTop = (to + 1) * height + head - room;
    setTop(body.scrollTop);
  };
  const onKeyDown = (event) => {
    const page = Math.max(1, Math.floor(room / height) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -count, End: count };
    if (!(event.key in steps) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    moveTo(current + steps[event.key]);
  };
  const rowLink = (index) => ({
    "data-row": index,
    tabindex: index === Math.min(current, count - 1) ? 0 : -1,
    onFocus: () => setCurrent(index),
  });
  const shown = Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset);
  const isInSight = current >= first && current < last;
  return html`<div class="virtual" ref=${box} role="table" aria-label=${label} aria-rowcount=${count + 1}
    tabindex=${isInSight ? undefined : 0} onScroll=${() => setTop(box.current.scrollTop)} onKeyDown=${onKeyDown}>
    <div class="virtual-head" role="rowgroup"><div class="virtual-row" role="row">${header}</div></div>
    <div role="rowgroup" class="virtual-body" style=${{ height: `${count * height}px` }}>
      ${shown.map((index) => html`<div key=${index} role="row" aria-rowindex=${index + 2}
        class="virtual-row ${rowClass(index)}" style=${{ top: `${index * height}px`, height: `${height}px` }}>
        ${row(index, rowLink(index))}</div>`)}
    </div>
  </div>`;
}
