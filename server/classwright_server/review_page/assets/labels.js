// Labels to choose from: buttons with the keys 1 to 9, and a search among all of them. Where a row
// may have several, a key puts one in or takes it out, and Enter decides.
const keyCount = () => (isInline() ? 6 : 9); // a frame in the chat has room for so many

// The labels of a row in the order of their keys: that of the task where all have a key, as fingers learn it, and where the
// suggestion is hidden. Else those that a classifier gives, those of several that it has, then the likely ones.
const labelOrder = (row, blind) => {
  const likely = (row.guesses ?? []).map(([name]) => name), first = isSeveral() ? [...(givenTo(row) ?? []), ...(row.labels ?? [])] : [];
  const order = blind || labelNames().length <= keyCount() ? [] : [...first, ...likely];
  return [...new Set([...order, ...labelNames()])].filter((name) => labelNames().includes(name));
};

const percent = (share) => `${(100 * share).toFixed(0)}%`;
const chance = (share) => (share > 0.99 ? ">99%" : share < 0.01 ? "<1%" : percent(share));
// A name that may be broken where its words end, and not within one.
const breakable = (name) => name.split(/(?<=[_\s/-])/).map((part, place) => html`<span key=${place} class="part">${part}</span><wbr />`);

// Labels are put in beforehand unless the person wants none, or the classifier was right in fewer than a third of 20 rows or more.
const LEAST_ROWS = 20, LEAST_RIGHT = 1 / 3;
const isPoor = () => { const { rows, same } = marks.record; return rows >= LEAST_ROWS && same < LEAST_RIGHT * rows; };
const putIn = (row) => (session.suggests && !isPoor() && row.sure) || [];

const LabelKeys = ({ row, blind, choose }) => {
  const bare = blind || !session.suggests, order = labelOrder(row, bare), chances = new Map(bare ? [] : row.guesses ?? []);
  const stands = row.stands && (row.stands.label ?? (hasDone(row, "accept") ? row.label : undefined));
  const isNone = isSeveral() ? !queue.isUntouched && !queue.picked.length : hasDone(row, "fits_none");
  const isSuggested = (name) => !bare && (isSeveral() || !row.label) && givenTo(row)?.includes(name);
  const isChosen = (name) => (isSeveral() ? queue.picked.includes(name) : name === stands);
  const isOwn = (name) => !blind && (isSeveral() ? row.labels?.includes(name) : name === row.label);
  const { labels } = session.review, described = labels.filter((label) => label.description);
  return html`<ol class="labels" aria-label="Labels, by key">
    ${order.slice(0, keyCount()).map((name, place) => html`<li key=${name}>
      <button class=${`label ${isOwn(name) ? "own" : ""} ${isChosen(name) ? "chosen" : ""}`}
        title=${labels.find((label) => label.name === name).description} aria-keyshortcuts=${place + 1} aria-pressed=${isChosen(name)} onClick=${() => choose(name)}>
        <kbd>${place + 1}</kbd><span class="name">${breakable(name)}</span>
        ${chances.has(name) && html`<span class="chance" style=${{ "--share": chances.get(name) }}>${chance(chances.get(name))}</span>`}
        <span class="says">${isOwn(name) ? "now" : isSuggested(name) ? "suggested" : ""}</span>
      </button></li>`)}
    ${(isSeveral() || !row.label) && html`<li><button class=${`label ${isNone ? "chosen" : ""}`} aria-keyshortcuts="0" aria-pressed=${isNone} onClick=${sayNone}><kbd>0</kbd><span>${isSeveral() ? "None applies" : "No label fits"}</span><span class="says"></span></button></li>`}
  </ol>
  ${isSeveral() && html`<p class="set">Chosen: ${queue.isUntouched ? html`<em>nothing yet</em>` : queue.picked.length
    ? queue.picked.map((name) => html`<button key=${name} class="tag chosen" aria-label=${`Take out: ${name}`} onClick=${() => choose(name)}>${name} ×</button> `)
    : html`<span class="tag chosen">${NONE}</span>`}</p>`}
  ${described.length > 0 && !isInline() && html`<details><summary>What the labels mean</summary><ul>${described.map(({ name, description }) => html`<li key=${name}><b>${name}</b>: ${description}</li>`)}</ul>
    ${isSeveral() && "A label is suggested from a probability on that is its own: 18% may do for one where 31% do not for another. It is put in from 50% on, if the classifier is known to find it."}</details>`}
  ${order.length > keyCount() && html`<${LabelSearch} names=${order} choose=${choose} />`}`;
};

// Finds one of many labels by a part of its name.
const LabelSearch = ({ names, choose }) => {
  const [words, setWords] = useState("");
  const found = words ? names.filter((name) => name.toLowerCase().includes(words.toLowerCase())).slice(0, 8) : [];
  const pick = (name) => { setWords(""); document.activeElement?.blur(); choose(name); };
  const key = (event) => {
    if (event.key === "Enter" && found.length) pick(found[0]);
    if (event.key === "Escape") { setWords(""); event.target.blur(); }
    event.stopPropagation();
  };
  return html`<div class="search"><label><kbd>l</kbd> <span>Another of ${names.length} labels</span>
    <input id="label-search" type="text" value=${words} autocomplete="off" placeholder="a part of its name"
      onInput=${(event) => setWords(event.target.value)} onKeyDown=${key} /></label>
    ${found.length > 0 && html`<div class="found">${found.map((name, place) => html`
      <button key=${name} onClick=${() => pick(name)}>${place === 0 && html`<kbd>⏎</kbd> `}${name}</button>`)}</div>`}
  </div>`;
};
