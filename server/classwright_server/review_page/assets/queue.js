// The queue: one row at a time; one key decides and moves on.
const MODES = {
  doubt: { name: "Most doubtful first", look: {} },
  disagrees: { name: "Classifier gives another label", look: { doubt: "disagrees" } },
  suspect: { name: "Label doubted", look: { doubt: "suspect" } },
  unsure: { name: "Classifier is unsure", look: { doubt: "unsure" } },
  unlabelled: { name: "Rows without a label", look: { unlabelled: true } },
  disputed: { name: "Rows about which people differ", look: { state: "disputed" } },
  second: { name: "Second opinion, the first one hidden", look: {}, order: "random", blind: true },
  sample: { name: "Fair sample, suggestions hidden", look: { where: { splits: ["train", "validation"] } }, order: "random", blind: true },
  chosen: { name: "Rows chosen in the list", look: {} },
};
const SAMPLE_SIZES = [50, 100, 200, 500];

const queue = (() => {
  const PAGE = 200, BLOCK = 50, AHEAD = 120, AGAIN_MS = 2_000; // a fast hand, or a server that is away for a while, must not run dry
  let ids = [], at = 0, total = 0, loading = null, ended = false, turn = 0;
  let served = new Map(); // the rows that the server sent in the order of this turn, which its next page comes after, and how they stood
  let mode = "doubt", chosen = {};
  let wanted = 100, halted = false; // how many rows a fair sample has, and whether it was ended before its last one
  let touched = null; // of a row that may have several labels: its id, and those that were put in

  const setting = () => MODES[mode];
  // Of rows that were chosen, those that are decided come, too.
  const look = () => (mode === "chosen" ? { where: {}, ...chosen } : mode === "second" ? { where: {}, not_by: session.name } : { where: {}, state: "open", ...setting().look });
  const isOpen = (id) => look().state !== "open" || !isSettled(rowOf(id));
  // Whether the server would still send a row that it has sent: it may not know of all that was done since, and sends a row again rather than leave one out.
  const isSent = (id) => {
    const { state, not_by } = look(), stands = rowOf(id)?.stands;
    if (state === "open") return isOpen(id);
    return !(state || not_by) || stands === served.get(id) || !stands?.done.some(([action, person]) => LABELS_OR_GONE.includes(action) && (!not_by || isMe(person ?? "")));
  };
  const isTaken = (id) => !isOpen(id) && !isMe(rowOf(id).stands.person ?? "");
  const upTo = (rows) => (mode === "sample" ? Math.min(rows, wanted) : rows);
  const end = () => upTo(ids.length);

  // Of people who work at the same time each is led through every fifty rows in an order of their own.
  const mixed = (rows) => {
    if (!session.review.here.some((person) => !isMe(person))) return rows;
    const rank = (id) => [...`${session.name || PERSON} ${id}`].reduce((sum, letter) => Math.imul(sum ^ letter.charCodeAt(0), 16_777_619) >>> 0, 2_166_136_261);
    return rows.flatMap((_, place) => (place % BLOCK ? [] : rows.slice(place, place + BLOCK).sort((a, b) => rank(a) - rank(b))));
  };

  // `anew`: in a new order, to which what was not shown yet gives way.
  const load = (anew = false) => {
    if (ended) return Promise.resolve();
    const mine = turn;
    loading ??= (async () => {
      await marks.flush();
      if (mine !== turn) return;
      const order = setting().order ?? "doubt";
      let offset = anew ? 0 : [...served.keys()].filter(isSent).length, answer, more;
      do {
        answer = await asked("rows", { look: look(), order, offset, limit: PAGE });
        if (mine !== turn) return;
        if (anew) { ids = ids.slice(0, at + 1); served = new Map(); anew = false; }
        const known = new Set(ids), fresh = answer.rows.filter(({ id }) => id !== ids[at] && isOpen(id)); // nothing changes under a hand
        more = remember(fresh).filter((id) => !known.has(id));
        for (const { id } of answer.rows) served.set(id, rowOf(id)?.stands);
        offset += PAGE;
      } while (!more.length && answer.rows.length === PAGE);
      ended = answer.rows.length < PAGE;
      ids = [...ids, ...mixed(more)];
      total = ids.length + Math.max(0, answer.total - offset); // with those that come after this page
      change({});
    })().catch((error) => {
      if (mine === turn && !error.refused) setTimeout(load, AGAIN_MS, anew); else say(error.message);
    }).finally(() => { if (mine === turn) loading = null; });
    return loading;
  };

  const begin = async (next, rows = {}, first = null) => {
    mode = next; chosen = rows;
    ids = []; served = new Map(); at = 0; total = 0; ended = halted = false; loading = null;
    const mine = ++turn;
    change({ note: "" });
    if (first) {
      const { rows: shown } = await asked("rows", { look: { where: {}, ids: [first] }, limit: 1 });
      if (mine !== turn) return;
      ids = [...new Set([...remember(shown), ...ids])];
    }
    await load();
  };

  // Goes on in another version. Places of rows are those of one version, labels those of one task.
  const resume = (isSameTask, first) => {
    const { places, ...rows } = chosen;
    return begin(mode === "chosen" && (places || !isSameTask) ? "doubt" : mode, rows, first);
  };

  const move = (step) => {
    at = halted ? end() - (step < 0 ? 1 : 0) : Math.max(0, Math.min(end(), at + step));
    halted = false;
    while (step > 0 && at < end() && isTaken(ids[at])) at += 1; // by somebody else, since it was fetched
    if (ids.length - at < AHEAD) load();
    change({});
  };

  // The labels that Enter decides on: as they were put in here, as they were decided, as they are, or those that a classifier is sure of.
  const start = (row) => row.stands?.labels ?? (setting().blind ? [] : row.labels ?? putIn(row));
  const current = () => (touched?.id === ids[at] ? touched.labels : start(rowOf(ids[at])));

  return {
    begin, resume, move,
    // Puts a label in, or takes it out; null takes all out.
    toggle: (name) => {
      if (ids[at] === undefined) return;
      const now = current(), others = now.filter((one) => one !== name);
      touched = { id: ids[at], labels: name === null ? [] : labelNames().filter((one) => others.includes(one) || (one === name && !now.includes(one))) };
      change({ note: "" });
    },
    get picked() { return current(); },
    // Whether nothing is said of the row's labels yet, so that Enter would decide on nothing.
    get isUntouched() { const row = rowOf(ids[at]); return touched?.id !== row.id && !row.stands?.labels && (setting().blind || !row.labels) && !start(row).length; },
    // Has the rows that were not shown yet come in the order of what is known by now. The others stay until it is there.
    reorder: () => { ended = false; turn += 1; loading = null; return load(true); },
    decide: (what) => {
      const id = ids[at];
      if (id === undefined) return;
      const stays = BESIDE_A_LABEL.includes(what.action) && labelsOf(rowOf(id)) === undefined; // its label is still to be said
      marks.decide(id, { ...what, ...(setting().blind ? { blind: true } : {}) });
      if (!stays) move(1);
    },
    undo: () => { const id = marks.undo(), place = ids.indexOf(id); if (place >= 0) at = place; change({}); },
    get row() { return rowOf(ids[at]); },
    get place() { return at; },
    get total() { return upTo(Math.max(total, ids.length)); },
    // As many rows as a fair sample may have: the last size takes all that are there.
    get sizes() { return SAMPLE_SIZES.filter((_, place) => !place || SAMPLE_SIZES[place - 1] < total); },
    get wanted() { return Math.min(wanted, queue.sizes.at(-1)); },
    want: (rows) => { wanted = Number(rows); halted = false; move(0); },
    get isEarly() { return isEarly(look()); },
    get hasEnded() { return ended; },
    get isDone() { return halted || (mode === "sample" && at >= wanted); },
    halt: () => { halted = true; change({}); },
    get skipped() { return ids.slice(0, Math.min(at, end())).filter((id) => !isSettled(rowOf(id))).length; },
    get mode() { return mode; },
    get blind() { return Boolean(setting().blind); },
  };
})();

const choose = (name) => (isSeveral() ? queue.toggle(name) : queue.decide({ action: "relabel", label: name }));
const acceptSet = () => {
  const { row, picked, isUntouched } = queue;
  if (isUntouched) return say("Put labels in by their keys; 0 says that none applies.");
  return queue.decide(row.labels && sameSet(row.labels, picked) && !queue.blind ? { action: "accept" } : { action: "relabel", labels: picked });
};
const accept = () => {
  if (isSeveral()) return acceptSet();
  const { row, blind } = queue;
  if (blind) return say("Choose a label: in a fair sample nothing is suggested.");
  if (row.label) return queue.decide({ action: "accept" });
  const [best] = putIn(row);
  return best ? queue.decide({ action: "accept", label: best }) : say("This row has no label, and none is surely right: choose one.");
};

// Says that no label applies: of a row that may have several, before Enter; one that has a label keeps it, or goes.
const sayNone = () => (isSeveral() ? queue.toggle(null) : queue.row.label ? say("This row has a label. If none fits, x removes it.") : queue.decide({ action: "fits_none" }));

const QUEUE_KEYS = {
  0: sayNone, Enter: accept, a: accept, x: () => queue.decide({ action: "remove" }), f: () => queue.decide({ action: "flag" }),
  g: () => queue.decide({ action: "good_example" }),
  u: () => queue.undo(), s: () => queue.move(1), ArrowRight: () => queue.move(1), ArrowLeft: () => queue.move(-1),
};

const Queue = () => {
  const { row } = queue, [edited, edit] = useState(null);
  const editing = Boolean(row) && edited === row.id; // another row is never edited
  if (edited && !editing) edit(null);
  useKeys((event) => {
    if (editing) return event.key === "Escape" ? edit(null) : false; // a text that is still fetched takes no keys
    if (!queue.row) return event.key === "u" ? QUEUE_KEYS.u() : event.key === "ArrowLeft" ? queue.move(-1) : false;
    const digit = Number(event.key);
    if (digit >= 1 && digit <= keyCount()) {
      const name = labelOrder(queue.row, queue.blind)[digit - 1];
      return name ? choose(name) : false;
    }
    if (event.key === "e") return edit(row.id);
    if (event.key === "l") return document.getElementById("label-search")?.focus();
    return QUEUE_KEYS[event.key] ? QUEUE_KEYS[event.key]() : false;
  });
  const counts = session.review.doubts;
  const isDone = queue.isDone, { sample } = session.review, record = marks.record;
  return html`<section class="queue" aria-label="Queue">
    <div class="bar"><label>Show <select value=${queue.mode} onChange=${(event) => queue.begin(event.target.value)}>
      ${Object.entries(MODES).filter(([name]) => name === queue.mode || ({ chosen: false, disputed: session.review.disputed, second: session.name && session.review.disputed !== undefined }[name] ?? true)).map(([name, { name: words }]) => html`
        <option key=${name} value=${name} disabled=${!counts && ["disagrees", "suspect", "unsure"].includes(name)}>${words}${counts?.[name] !== undefined ? ` (${counts[name]})` : ""}</option>`)}
    </select></label>
    ${queue.mode === "sample" ? html`${queue.sizes.length > 1 && !isInline() && html`<${Select} label="Rows" value=${queue.wanted} options=${queue.sizes.map((size) => [size, size])} act=${queue.want} />`}<span>${sample ? `Right so far: ${sampleInWords(sample)}` : ""}</span> ${row && !isDone && html`<button onClick=${queue.halt}>End here</button>`}`
      : !isInline() && !queue.blind && html`<label><input type="checkbox" checked=${!session.suggests} onChange=${({ target }) => { keepInAddress("suggest", target.checked && "nothing"); change({ suggests: !target.checked }); target.blur(); }} /> Suggest nothing</label>
        ${session.suggests && record.rows > 0 && html`<span>The classifier was right in ${record.same} of ${counted(record.rows, "row")} so far${isPoor() ? ": it puts no label in" : ""}.</span>`}`}
    <span class="place">${row && !isDone ? `Row ${inFigures(queue.place + 1)} of ${inFigures(queue.total)}` : ""}</span></div>
    ${isDone || !row ? html`<${QueueEnd} isDone=${isDone} />`
      : html`<${Card} row=${row} blind=${queue.blind} editing=${editing} edit=${edit} />`}
  </section>`;
};

const interval = ({ share, low, high }, inWords = percent) => `${inWords(share)} (${inWords(low)} to ${inWords(high)}, the 95% interval)`;
const sampleInWords = ({ right, rows, ...share }) => `${right} of ${counted(rows, "row")}, ${interval(share)}`;

const QueueEnd = ({ isDone }) => {
  const { sample } = session.review;
  if (!queue.hasEnded && !isDone) return html`<p class="empty">Looking for rows…</p>`;
  if (queue.isEarly) return html`<p class="empty">${session.preparing}</p>`;
  const wrong = sample ? sample.rows - sample.right : 0;
  return html`<div class="empty">
    <p>${isDone ? "The fair sample ends here." : queue.total ? "That was the last row of this queue." : "No row is left to decide here."}${queue.skipped ? ` ${counted(queue.skipped, "row was", "rows were")} skipped.` : ""}</p>
    ${queue.mode === "sample" && (sample ? html`<p class="result">${isSeveral() ? "All labels right and no other" : "Label right"}: <strong>${sampleInWords(sample)}</strong>.
      These are all rows of fair samples so far that had labels, which you could not see.</p>
      ${wrong > 0 && html`<p><button onClick=${() => openList({ where: {}, state: "wrong" })}>Show ${counted(wrong, "row that was", "rows that were")} wrong</button></p>`}`
      : html`<p>No row that had a label was decided, so nothing was measured.</p>`)}
    <p><button onClick=${() => queue.move(-1)}>Back to the last row</button></p>
  </div>`;
};

// What is known of a row beside its texts; `blind`: without what would tell its label.
const Tag = ({ kind = "", children }) => html`<span class=${`tag ${kind}`}>${children}</span>`;
const About = ({ row, blind, children }) => html`<div class="about">
  ${!blind && labelsOf(row) && (row.labels?.length ? row.labels : [labelsOf(row)]).map((name) => html`<${Tag} key=${name} kind="own">${row.labels ? name : `label: ${name}`}<//>`)}
  ${children}
  <${Tag}>${SPLITS[row.split]}<//><${Tag}>${ORIGINS[row.origin] ?? row.origin}${row.origin === "written" && row.round !== undefined ? `, round ${row.round}` : ""}<//>
  ${!blind && html`${row.cell?.length > 0 && html`<${Tag}>${row.cell.join(" · ")}<//>`}
    ${row.contrast && html`<${Tag}>written to resemble ${row.contrast}<//>`}
    ${row.suspect && html`<${Tag} kind="warn">label doubted<//>`}
    ${row.unfit && !isSettled(row) && html`<${Tag} kind="warn">fits no label, says a model<//>`}`}
  ${row.stands?.done.map(([action, person]) => html`<${Tag} key=${action} kind="chosen">${doneInWords(row.stands, action)}${!person ? " by a person before" : isMe(person) ? "" : ` by ${nameOf(person) ?? "another person"}`}<//>`)}
  ${Object.entries(row.disputed ?? {}).map(([name, said]) => html`<${Tag} key=${name} kind="warn">${name}: ${said}<//>`)}
</div>`;

const SPLITS = { train: "to learn from", validation: "to check by", test: "for the last test", unlabelled: "no label yet" };
const ORIGINS = { real: "real text", written: "written text", annotated: "real text, labelled here" };

const Card = ({ row, blind, editing, edit }) => html`<article class="card">
  <${About} row=${row} blind=${blind} />
  ${editing ? html`<${Editor} row=${row} close=${() => edit(null)} />` : html`<div class="text" aria-live="polite">
    <${Texts} row=${row} /></div>`}
  <${LabelKeys} row=${row} blind=${blind} choose=${choose} />
  <div class="actions" role="group" aria-label="Other decisions">
    ${(isSeveral() || (!blind && (row.label || putIn(row).length > 0))) && html`<${Key} name="⏎" keys="Enter" act=${accept}>${isSeveral() ? "Accept these labels" : row.label ? "Accept" : `Accept ${putIn(row)[0]}`}<//>`}
    <${Key} name="x" act=${QUEUE_KEYS.x}>Remove<//>
    <${Key} name="e" act=${() => edit(row.id)}>Edit<//>
    <${Key} name="g" act=${QUEUE_KEYS.g}>Good example<//>
    <${Key} name="f" act=${QUEUE_KEYS.f}>Flag<//>
    <${Key} name="s" act=${QUEUE_KEYS.s}>Skip<//>
    <${Key} name="u" act=${QUEUE_KEYS.u}>Undo<//>
  </div>
</article>`;

const Key = ({ name, keys, act, children }) =>
  html`<button aria-keyshortcuts=${keys ?? name} onClick=${act}><kbd aria-hidden="true">${name}</kbd> ${children}</button>`;

// What was done to a row, in words that follow its number as well; a label may come after them.
const DEEDS = { accept: "accepted", relabel: "labelled", remove: "removed", edit: "edited", flag: "flagged", good_example: "marked as good", fits_none: "fits no label" };
const doneInWords = (stands, action) => {
  const named = ["accept", "relabel"].includes(action) && labelsOf(stands);
  return `${DEEDS[action]}${named ? ` as ${named}` : ""}`;
};

const focused = (field) => field?.focus(); // at once, so that no letter decides on the row

// A row's texts to be rewritten, as they stand; a text that was shown in part is fetched whole first.
const Editor = ({ row, close }) => {
  const now = row.stands?.text === undefined ? row : row.stands;
  const [texts, setTexts] = useState(now.text_characters || now.text_pair_characters ? null : [now.text, now.text_pair]);
  useEffect(() => {
    if (texts) return;
    asked("rows", { look: { where: { splits: [row.split] }, places: [row.place] }, whole: true, limit: 1 })
      .then(({ rows }) => setTexts([rows[0].text, rows[0].text_pair]), (error) => { say(error.message); close(); });
  }, [texts === null]);
  if (!texts) return html`<p class="empty">Fetching the whole text…</p>`;
  const save = () => {
    if (!texts[0].trim()) return say("A text cannot be empty: remove the row instead.");
    close();
    queue.decide({ action: "edit", text: texts[0], ...(texts[1] === undefined ? {} : { text_pair: texts[1] }) });
  };
  const key = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
    if (event.key === "Escape") close();
    event.stopPropagation();
  };
  return html`<div class="editor">
    <textarea ref=${focused} dir=${wayOf(texts[0])} rows="4" aria-label="Text" value=${texts[0]} onKeyDown=${key} onInput=${(event) => setTexts([event.target.value, texts[1]])}></textarea>
    ${texts[1] !== undefined && html`<textarea dir=${wayOf(texts[1])} rows="4" aria-label="Second text" value=${texts[1]} onKeyDown=${key} onInput=${(event) => setTexts([texts[0], event.target.value])}></textarea>`}
    <div class="actions"><button class="main" onClick=${save}><kbd aria-hidden="true">Ctrl ⏎</kbd> Save the text</button>
      <button onClick=${close}><kbd aria-hidden="true">Esc</kbd> Leave it as it is</button></div>
  </div>`;
};
