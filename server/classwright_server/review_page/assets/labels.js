// Labels to choose from: buttons with the keys 1 to 9, the most likely first, and a search among all of them.
const keyCount = () => (isInline() ? 6 : 9); // a frame in the chat has room for so many

// The labels of a row in the order of their keys; where the suggestion is hidden, in the order of the task.
const labelOrder = (row, blind) => {
  const guessed = blind ? [] : (row.guesses ?? []).map(([name]) => name).filter((name) => labelNames().includes(name));
  return [...guessed, ...labelNames().filter((name) => !guessed.includes(name))];
};

const percent = (share) => `${(100 * share).toFixed(0)}%`;
const chance = (share) => (share > 0.99 ? ">99%" : share < 0.01 ? "<1%" : percent(share));
// A name that may be broken where its words end, and not within one.
const breakable = (name) => name.split(/(?<=[_\s/-])/).map((part, place) => html`<span key=${place} class="part">${part}</span><wbr />`);

const LabelKeys = ({ row, blind, choose }) => {
  const order = labelOrder(row, blind), chances = new Map(blind ? [] : row.guesses ?? []);
  const stands = row.stands && (row.stands.label ?? (row.stands.action === "accept" ? row.label : undefined));
  return html`<ol class="labels" aria-label="Labels, by key">
    ${order.slice(0, keyCount()).map((name, place) => html`<li key=${name}>
      <button type="button" class=${`label ${!blind && name === row.label ? "own" : ""} ${name === stands ? "chosen" : ""}`}
        aria-keyshortcuts=${place + 1} aria-pressed=${name === stands} onClick=${() => choose(name)}>
        <kbd>${place + 1}</kbd><span class="name">${breakable(name)}</span>
        ${!blind && name === row.label && html`<span class="tag">now</span>`}
        ${chances.has(name) && html`<span class="chance" style=${{ "--share": chances.get(name) }}>${chance(chances.get(name))}</span>`}
      </button></li>`)}
  </ol>
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
      <button type="button" key=${name} onClick=${() => pick(name)}>${place === 0 && html`<kbd>⏎</kbd> `}${name}</button>`)}</div>`}
  </div>`;
};
