// The map: rows near each other where they mean the same. A lasso drawn around some, or a ring grown by keys, opens them in the list.
// Labels differ by colour and by shape: colours that most eyes tell apart (after Okabe and Ito), in as many pairs with shapes as there are.
const HUES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#9467bd", "#a0a030", "#7a5c48"];
const SHAPES = ["M-1 0A1 1 0 1 0 1 0 1 1 0 1 0-1 0Z", "M-.9-.9H.9V.9H-.9Z", "M0-1.2L1.1.8H-1.1Z", "M0-1.3L1.1 0 0 1.3-1.1 0Z", "M-.4-1.1H.4V-.4H1.1V.4H.4V1.1H-.4V.4H-1.1V-.4H-.4Z"];
const hue = (label) => HUES[label % HUES.length], shape = (label) => SHAPES[label % SHAPES.length], GREY = "#8a8a8a", MOST_KEYED = 24;
const Sign = ({ label, written }) => html`<svg class="sign" viewBox="-1.5 -1.5 3 3" aria-hidden="true"><path d=${shape(label)} fill=${written ? "none" : hue(label)} stroke=${hue(label)} stroke-width=".5" /></svg>`;
const ARRAYS = { place: Uint32Array, x: Uint16Array, y: Uint16Array, label: Uint16Array, kind: Uint8Array };
const WRITTEN = 1, WRONG = 2, BARE = 4, RING_STEP = 40, WAYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

const fromBase64 = (text, type) => new type(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);

// Width and height in CSS pixels: a narrow map is higher than wide, and none is higher than the window shows.
const mapSize = (wide) => [Math.round(wide), Math.round(Math.min(wide * (wide <= NARROW ? 1.15 : 0.64), Math.max(300, innerHeight * 0.75)))];

const MapView = () => {
  const [points, setPoints] = useState(null), [lasso, setLasso] = useState(null), [only, setOnly] = useState(-1), [near, setNear] = useState(null);
  const [cursor, setCursor] = useState(-1), [ring, setRing] = useState(0);
  const [[width, height], setSize] = useState(() => mapSize(Math.min(innerWidth, 1200) - (innerWidth <= NARROW ? 18 : 26))); // until it is measured
  const dots = useRef(), pen = useRef(), path = useRef([]), box = useRef();
  const ready = Boolean(session.review.doubts);
  useEffect(() => {
    if (!ready) return;
    marks.flush().then(() => asked("points", { look: { where: {} } })).then((answer) => setPoints({
      labels: answer.labels, ...Object.fromEntries(Object.entries(ARRAYS).map(([name, type]) => [name, fromBase64(answer[name], type)])),
    }), sayWhy);
  }, [ready, session.review.dataset]);

  useEffect(() => {
    if (!box.current) return undefined;
    const watch = new ResizeObserver(([{ contentRect: { width: wide } }]) => setSize(mapSize(wide)));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, [points]);

  const edge = width <= NARROW ? 12 : 24, sharp = devicePixelRatio || 1;
  const at = (place) => [edge + (points.x[place] / 65_535) * (width - 2 * edge), edge + (points.y[place] / 65_535) * (height - 2 * edge)];
  const isShown = (number) => only < 0 || points.label[number] === only;
  const shownWhere = (holds) => [...points.place.keys()].filter((number) => isShown(number) && holds(...at(number)));
  // The point that is least far, if that is less than `most`; else -1.
  const nearest = (far, most) => points.place.reduce(([best, least], _, number) => {
    const own = far(...at(number), number);
    return own < least ? [number, own] : [best, least];
  }, [-1, most])[0];
  const draw = () => {
    const pencil = dots.current.getContext("2d");
    pencil.setTransform(sharp, 0, 0, sharp, 0, 0);
    pencil.clearRect(0, 0, width, height);
    const many = points.place.length > 5_000, size = many ? 2 : points.place.length > 1_000 || width <= NARROW ? 3.5 : 5;
    const inside = lasso && new Set(lasso), isErring = (number) => points.kind[number] & WRONG;
    const numbers = [...points.place.keys()], chosen = numbers.filter((number) => isShown(number) && (!inside || inside.has(number)));
    const labelled = chosen.filter((number) => !(points.kind[number] & BARE));
    const outlines = SHAPES.map((one) => { const path = new Path2D(); path.addPath(new Path2D(one), { a: size, d: size }); return path; });
    const dot = (radius) => (number) => { const [x, y] = at(number); pencil.beginPath(); pencil.arc(x, y, radius, 0, 7); };
    const each = (of, act) => of.forEach((number) => { dot(size / 2)(number); act(number); });
    pencil.fillStyle = GREY; // what is not chosen stays, beneath; then what has no label
    if (chosen.length < numbers.length) { pencil.globalAlpha = 0.15; each(numbers, () => pencil.fill()); }
    pencil.globalAlpha = 0.6;
    each(chosen.filter((number) => points.kind[number] & BARE), () => pencil.fill());
    const erring = labelled.filter(isErring); // the more there are, the fainter their rings
    pencil.globalAlpha = erring.length > 0.3 * labelled.length ? 0.5 : 1; pencil.strokeStyle = "#d11"; pencil.lineWidth = many ? 0.5 : 1;
    for (const number of erring) { dot(size + 3)(number); pencil.stroke(); }
    pencil.globalAlpha = 0.9; pencil.lineWidth = size / 3;
    for (const number of labelled) {
      const [x, y] = at(number), label = points.label[number];
      pencil.setTransform(sharp, 0, 0, sharp, x * sharp, y * sharp);
      pencil.fillStyle = pencil.strokeStyle = hue(label);
      if (points.kind[number] & WRITTEN) pencil.stroke(outlines[label % SHAPES.length]); else pencil.fill(outlines[label % SHAPES.length]);
    }
    pencil.setTransform(sharp, 0, 0, sharp, 0, 0);
    if (cursor < 0) return;
    pencil.globalAlpha = 1; pencil.strokeStyle = "#888"; pencil.lineWidth = 2;
    pencil.beginPath(); pencil.arc(...at(cursor), ring || 10, 0, 7); pencil.stroke();
  };
  useEffect(() => { if (points && dots.current) draw(); }, [points, lasso, only, cursor, ring, width, height]);

  const place = ({ clientX, clientY }) => { const { left, top } = pen.current.getBoundingClientRect(); return [clientX - left, clientY - top]; };
  const down = (event) => { path.current = [place(event)]; pen.current.setPointerCapture(event.pointerId); };
  const move = (event) => {
    if (!path.current.length) return;
    const within = event.getCoalescedEvents?.() ?? []; // of one frame, in which a quick hand moves on several times
    path.current.push(...(within.length ? within : [event]).map(place));
    const pencil = pen.current.getContext("2d");
    pencil.clearRect(0, 0, width, height);
    pencil.strokeStyle = "#888"; pencil.lineWidth = 1.5; pencil.beginPath();
    path.current.forEach(([x, y], number) => (number ? pencil.lineTo(x, y) : pencil.moveTo(x, y)));
    pencil.stroke();
  };
  const up = () => {
    const line = path.current, pencil = pen.current.getContext("2d");
    path.current = [];
    pencil.clearRect(0, 0, width, height);
    if (line.length < 4) return line.length && touch(line[0]);
    const shape = new Path2D();
    line.forEach(([x, y], number) => (number ? shape.lineTo(x, y) : shape.moveTo(x, y)));
    shape.closePath();
    const found = shownWhere((x, y) => pencil.isPointInPath(shape, x, y));
    setNear(null);
    setCursor(-1);
    setLasso(found.length ? found : null);
  };
  // A point that was touched shows its row.
  const touch = async ([x, y]) => {
    const best = nearest((px, py) => (px - x) ** 2 + (py - y) ** 2, 400); // 20 pixels, squared: a finger is no finer
    setCursor(-1);
    return best < 0 ? (setLasso(null), setNear(null)) : read(best);
  };
  const read = async (best) => {
    setLasso(null);
    const answer = await asked("rows", { look: { where: {}, places: [points.place[best]] }, limit: 1 });
    setNear(remember(answer.rows)[0]);
  };

  // By keys: to the next row in a direction, where what is straight ahead comes before what is aside; then a ring that grows around it.
  const go = ([dx, dy]) => {
    const [x, y] = cursor < 0 ? [width / 2, height / 2] : at(cursor);
    const best = nearest((px, py, number) => {
      const ahead = (px - x) * dx + (py - y) * dy, aside = Math.abs((px - x) * dy) + Math.abs((py - y) * dx);
      if (!isShown(number)) return Infinity;
      return cursor < 0 ? Math.abs(ahead) + aside : ahead > 0 ? ahead + 2 * aside : Infinity;
    }, Infinity);
    if (best >= 0) { setCursor(best); setRing(0); read(best); }
  };
  const grow = (step) => {
    const size = Math.max(0, ring + step), [x, y] = at(cursor);
    setRing(size);
    setLasso(size ? shownWhere((px, py) => (px - x) ** 2 + (py - y) ** 2 <= size ** 2) : null);
  };
  const openChosen = () => openList({ where: {}, places: lasso.map((number) => points.place[number]) });
  useKeys(({ key }) => {
    if (!ready || !points) return false;
    if (WAYS[key]) return go(WAYS[key]);
    if (cursor >= 0 && (key === "+" || key === "-")) return grow(key === "+" ? RING_STEP : -RING_STEP);
    if (lasso && key === "o") return openChosen();
    return false;
  });

  if (!ready) return html`<p class="empty">${session.preparing ?? "The map is not drawn yet."}</p>`;
  if (!points) return html`<p class="empty">Fetching the map…</p>`;
  const many = new Map();
  for (const number of lasso ?? []) many.set(points.label[number], (many.get(points.label[number]) ?? 0) + 1);
  const mix = [...many].sort((a, b) => b[1] - a[1]).map(([label, count]) => `${points.labels[label] ?? "no label"} ${count}`), rest = points.labels.length - MOST_KEYED;
  return html`<section class="map" aria-label="Map">
    <div class="bar"><${Select} label="Show" value=${only} options=${[[-1, "all labels"], ...points.labels.map((name, number) => [number, name])]} act=${(number) => setOnly(Number(number))} />
      <span class="legend"><${Sign} label="0" /> real <${Sign} label="0" written /> written <i class="dot bare"></i> no label <i class="dot ring"></i> classifier disagrees</span>
      <span class="hint">Draw around rows, or touch one<span class="place">, or use arrows, <kbd>+</kbd> <kbd>-</kbd> and <kbd>o</kbd></span>.</span></div>
    <div class="canvases" ref=${box}><canvas ref=${dots} width=${width * sharp} height=${height * sharp} style=${{ height: `${height}px` }} role="img" aria-label=${`Map of ${counted(points.place.length, "row")}; the list shows the same rows as text`}></canvas>
      <canvas ref=${pen} width=${width} height=${height} style=${{ height: `${height}px` }} aria-hidden="true" onPointerDown=${down} onPointerMove=${move} onPointerUp=${up}></canvas></div>
    ${lasso && html`<div class="bar chosen-rows"><strong>${counted(lasso.length, "row")}</strong> <span>${mix.slice(0, 4).join(", ")}${mix.length > 4 ? ` and ${counted(mix.length - 4, "more label")}` : ""}</span>
      <button class="main" onClick=${openChosen}>Open them in the list</button>
      <button onClick=${() => setLasso(null)}>Let them go</button></div>`}
    ${near && html`<ul class="rows" aria-live="polite"><${Row} row=${rowOf(near)} words="" ticked=${false} /></ul>`}
    <ul class="key" aria-label="Colours and shapes">${points.labels.slice(0, MOST_KEYED).map((name, number) => html`<li key=${name}><${Sign} label=${number} /> ${name}</li>`)}${rest > 0 && html`<li>and ${counted(rest, "more label")}: choose one above</li>`}</ul>
  </section>`;
};
