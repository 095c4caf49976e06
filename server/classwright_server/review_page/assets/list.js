// The list: rows that meet conditions, page by page, and one decision for all of them, whose number is shown first.
const list = (() => {
  const PAGE = 50;
  let look = { where: {} }, order = "doubt", offset = 0, total = null, ids = [], picked = new Set(), turn = 0;

  const refresh = async () => {
    const mine = ++turn;
    await marks.flush();
    try {
      const answer = await asked("rows", { look, order, offset, limit: PAGE });
      if (mine !== turn) return;
      total = answer.total;
      ids = remember(answer.rows);
      if (look.ids) ids.sort((a, b) => look.ids.indexOf(a) - look.ids.indexOf(b)); // the nearest first
      change({});
    } catch (error) {
      if (mine === turn) say(error.message);
    }
  };

  const set = (all, name, value) => {
    const { [name]: _, ...rest } = all;
    return value === undefined || value === "" ? rest : { ...rest, [name]: value };
  };
  const show = (next) => { look = next; offset = 0; picked = new Set(); return refresh(); };

  return {
    refresh, show,
    // Lets go of the rows of a dataset that is no longer shown; the conditions hold for another version, but for places in it.
    forget: (isSameTask) => {
      const { places: _, ...rest } = look;
      look = isSameTask ? rest : { where: {} };
      ids = []; picked = new Set(); offset = 0; total = null; turn += 1;
    },
    // Sets or drops one condition: of the rows themselves, or of the review.
    where: (name, value) => list.with("where", set(look.where, name, value)),
    with: (name, value) => show(set(look, name, value)),
    sort: (next) => { order = next; offset = 0; return refresh(); },
    turnTo: (next) => { if (next >= 0 && next < total) { offset = next; refresh(); } },
    pick: (id) => { if (!picked.delete(id)) picked.add(id); change({}); },
    pickNone: () => { picked = new Set(); change({}); },
    get look() { return look; },
    get order() { return order; },
    get offset() { return offset; },
    get total() { return total; },
    get ids() { return ids; },
    get picked() { return picked; },
    get pages() { return PAGE; },
  };
})();

// The rows that are nearest in meaning to a row, or to words.
const MOST_ALIKE = 40;
const openAlike = async (like) => {
  say("Looking for rows that mean the same…");
  try {
    const { task, dataset } = session.review;
    const near = [];
    let offset = 0;
    do { // an answer has as many as fit into it
      const found = await jobOf("find_examples", { task, dataset, like: { ...like, count: MOST_ALIKE }, limit: MOST_ALIKE, offset });
      near.push(...found.rows.map((row) => row.id));
      offset = found.next_offset;
    } while (offset);
    await openList({ where: {}, ids: like.row ? [like.row, ...near] : near });
    change({ note: "" });
  } catch (error) {
    say(error.message);
  }
};

const openList = (look) => { change({ view: "list" }); return list.show(look); };

// One decision about all rows of the look, or about those that are ticked.
const decideMany = async (what) => {
  const { picked, look, total } = list;
  if (picked.size) {
    for (const id of picked) marks.decide(id, what);
    list.pickNone();
    await marks.flush();
    return list.refresh();
  }
  try {
    await marks.flush();
    const answer = await asked("decide_all", { look, ...asMe(), id: newId(), rows: total, ...what });
    takeProgress(answer);
    await list.refresh();
    change({ note: `${counted(answer.rows, "row")} decided at once. The history can take it back.` });
  } catch (error) {
    say(error.message);
  }
};

const STATES = { "": "any", open: "not decided", decided: "decided", ...DEEDS, wrong: "wrong in a fair sample", disputed: "people differ" };
const DOUBTS = { "": "any", disagrees: "classifier gives another label", suspect: "label doubted", unsure: "classifier is unsure" };
const ORDERS = { doubt: "most doubtful first", dataset: "as in the dataset", random: "random" };

const Select = ({ label, value, options, act }) => html`<label>${label} <select value=${value} onChange=${(event) => act(event.target.value)}>
  ${options.map(([name, words]) => html`<option key=${name} value=${name}>${words}</option>`)}</select></label>`;
const any = (names) => [["", "any"], ...names.map((name) => [String(name), String(name)])];
const anyOf = (rows, words = { [NO_LABELS]: NONE }) => [["", "any"], ...Object.entries(rows).map(([name, count]) => [name, `${words[name] ?? name} (${count})`])];

// A field whose words are the person's own while they are typed, whatever is drawn anew meanwhile; `act` takes them when they are given, or `soon`.
const Field = ({ value, act, soon, ...more }) => {
  const [typed, setTyped] = useState({});
  const take = ({ target }) => { setTyped({}); act(target.value); };
  const type = (event) => { setTyped({ words: event.target.value, after: value }); if (soon) later(take, event); };
  return html`<input ...${more} value=${typed.after === value ? typed.words : value} onInput=${type} onChange=${soon ? undefined : take} />`;
};

const NARROW = 520; // pixels, as in the style: there the conditions would hide the rows
const Filters = () => {
  const { look } = list, { review } = session, one = (name) => look.where[name]?.[0] ?? "";
  const each = (name) => (value) => list.where(name, value ? [value] : undefined);
  const [opened, open] = useState(false), narrow = innerWidth <= NARROW, set = Object.keys(look.where).length + Object.keys(look).length - 1 - Boolean(look.where.text);
  return html`<form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
    <label class="wide">Text <${Field} id="list-search" type="search" value=${look.where.text ?? ""} placeholder="words in the text" soon act=${(words) => list.where("text", words)} /></label>
    ${narrow && html`<button type="button" aria-expanded=${opened} onClick=${() => open(!opened)}>${set ? `Conditions: ${set}` : "Conditions"} ${opened ? "▴" : "▾"}</button>`}
    ${(!narrow || opened) && html`
    <${Select} label="Label" value=${one("labels")} options=${anyOf(review.label_rows)} act=${each("labels")} />
    <${Select} label="Classifier says" value=${look.guess ?? ""} options=${[...any(labelNames()), ...(isSeveral() ? [[NO_LABELS, NONE]] : [])]} act=${(value) => list.with("guess", value)} />
    ${isSeveral() && ["missed", "added"].map((way) => html`<${Select} key=${way} label=${`Classifier ${way}`} value=${look[way] ?? ""} options=${[...any(labelNames()), [NO_LABELS, "nothing"]]} act=${(value) => list.with(way, value)} />`)}
    <${Select} label="Doubt" value=${look.doubt ?? ""} options=${Object.entries(DOUBTS)} act=${(value) => list.with("doubt", value)} />
    <${Select} label="Decision" value=${look.state ?? ""} options=${Object.entries(STATES).filter(([name]) => name !== "disputed" || review.disputed)} act=${(value) => list.with("state", value)} />
    <${Select} label="Used" value=${one("splits")} options=${anyOf(review.splits, SPLITS)} act=${each("splits")} />
    <${Select} label="Where from" value=${one("origins")} options=${anyOf(review.origins, ORIGINS)} act=${each("origins")} />
    ${[["round", "Round of writing", review.rounds], ["topic", "Topic", review.topics], ["source_type", "Source", review.source_types]].map(([name, words, values]) => values.length > 0 && html`
      <${Select} key=${name} label=${words} value=${String(look.where[name] ?? "")} options=${any(values)} act=${(value) => list.where(name, name === "round" && value ? Number(value) : value)} />`)}
    ${review.disputed !== undefined && html`<label>Decided by <${Field} value=${look.where.decided_by ?? ""} placeholder="a name" act=${(name) => list.where("decided_by", name)} /></label>`}
    <${Select} label="Order" value=${list.order} options=${Object.entries(ORDERS)} act=${list.sort} />`}
    ${[["places", `${counted(look.places?.length ?? 0, "row")} of the map`], ["cell", `topic: ${Object.values(look.cell ?? {}).filter(Boolean).join(" · ")}`], ["ids", `${counted(look.ids?.length ?? 0, "row")} chosen`]].map(([name, words]) => look[name] && html`
      <span key=${name} class="tag">${words} <button type="button" aria-label=${`Drop: ${words}`} onClick=${() => list.with(name, undefined)}>×</button></span>`)}
    <button type="button" disabled=${!look.where.text} onClick=${() => openAlike({ text: look.where.text })}>By meaning</button>
    <button type="button" onClick=${() => list.show({ where: {} })}>Clear</button>
  </form>`;
};

let typing;
const later = (act, event) => { clearTimeout(typing); typing = setTimeout(act, 150, event); };

const List = () => {
  const { total, offset, ids, picked, pages } = list, words = list.look.where.text ?? "";
  useEffect(() => { list.refresh(); }, []);
  useKeys((event) => {
    if (event.key === "/") return document.getElementById("list-search")?.focus();
    if (event.key === "ArrowRight") return list.turnTo(offset + pages);
    if (event.key === "ArrowLeft") return list.turnTo(offset - pages);
    return false;
  });
  return html`<section class="list" aria-label="List">
    <${Filters} />
    <div class="bar">
      <strong>${total === null ? "Looking…" : counted(total, "row")}</strong>
      ${picked.size > 0 && html`<span>${picked.size} ticked <button onClick=${list.pickNone}>none</button></span>`}
      <${Bulk} />
      <button disabled=${!total} onClick=${() => { change({ view: "queue" }); queue.begin("chosen", list.look); }}>Review one by one</button>
    </div>
    ${total === 0 && html`<p class="empty">${isEarly(list.look) ? session.preparing : "No row meets all of these conditions."}</p>`}
    <ul class="rows">${ids.map((id) => html`<${Row} key=${id} row=${rowOf(id)} words=${words} ticked=${picked.has(id)} />`)}</ul>
    <${Pages} label="Pages" words=${["← Before", "After →"]} total=${total} offset=${offset} shown=${ids.length} size=${pages} turn=${list.turnTo} />
  </section>`;
};

// A way to the pages of what is shown in part.
const Pages = ({ label, words: [back, on], total, offset, shown, size, turn }) => total > shown && html`<nav class="bar" aria-label=${label}>
  <button disabled=${!offset} onClick=${() => turn(Math.max(0, offset - size))}>${back}</button> <span>${offset + 1} to ${offset + shown} of ${total}</span>
  <button disabled=${offset + size >= total} onClick=${() => turn(offset + size)}>${on}</button></nav>`;

const Row = ({ row, words, ticked }) => html`<li>
  <input type="checkbox" checked=${ticked} disabled=${row.split === "test"} aria-label=${`Tick: ${row.text.slice(0, 80)}`} onChange=${() => list.pick(row.id)} />
  <div class="what"><${Texts} row=${row} words=${words} />
    <${About} row=${row}>${row.guesses && (isSeveral() ? row.disagrees || !row.labels : row.guesses[0][0] !== row.label) && html`<${Tag} kind="warn">classifier: ${givenInWords(row)}<//>`}<//></div>
  <button class="small" aria-label=${`Alike: rows like ${row.text.slice(0, 80)}`} onClick=${() => openAlike({ row: row.id })}>Alike</button>
</li>`;

const givenInWords = (row) => row.guesses.slice(0, row.given).map(([name, share]) => `${name} ${chance(share)}`).join(" + ") || NONE;

// The texts of a row as they stand, and how much of them is not shown.
const Texts = ({ row, words }) => ["text", "text_pair"].map((name) => {
  const edited = row.stands?.[name], text = edited ?? row[name], left = edited === undefined && row[`${name}_characters`] - text?.length;
  return text && html`<p key=${name} dir=${wayOf(text)} class=${name === "text" ? "" : "pair"}><${Found} text=${text} words=${words} />${left ? html`<em> … ${counted(left, "more character")}</em>` : ""}</p>`;
});

// A text with the words that were searched for marked.
const Found = ({ text, words }) => {
  const at = words ? text.toLowerCase().indexOf(words.toLowerCase()) : -1;
  return at < 0 ? text : html`${text.slice(0, at)}<mark>${text.slice(at, at + words.length)}</mark>${text.slice(at + words.length)}`;
};

const Bulk = () => {
  const [what, setWhat] = useState(null);
  const dialog = useRef();
  const count = list.picked.size || list.total || 0;
  const [decided, setDecided] = useState(0); // of them, before
  const ask = async (next) => {
    setWhat(next);
    const { picked, look } = list;
    try {
      setDecided(picked.size ? [...picked].filter((id) => isSettled(rowOf(id))).length : (await asked("rows", { look, limit: 0 })).decided);
      dialog.current.showModal();
    } catch (error) { say(error.message); }
  };
  const words = what && ({ accept: "accepted as labelled", relabel: what.labels ? `given ${inWords(what.labels)}, and no other label` : `labelled ${what.label}` }[what.action] ?? DEEDS[what.action]);
  return html`<span class="bulk" role="group" aria-label="Decide about all of them">
    <label>All of them: <select value="" disabled=${!count} onChange=${(event) => { const [action, label] = event.target.value.split(/:(.*)/s); event.target.value = ""; ask({ action, ...(label === undefined ? {} : isSeveral() ? { labels: label ? [label] : [] } : { label }) }); }}>
      <option value="">choose…</option><option value="accept">accept</option><option value="remove">remove</option><option value="flag">flag</option>
      ${labelNames().map((name) => html`<option key=${name} value=${`relabel:${name}`}>${isSeveral() ? "give only" : "label"} ${name}</option>`)}
      ${isSeveral() && html`<option value="relabel:">give ${NONE}</option>`}</select></label>
    <dialog ref=${dialog} aria-label="Are you sure?">
      <p><strong>${counted(count, "row")}</strong> will be ${words}. ${list.picked.size ? "These are the ticked ones." : "These are all rows that meet the conditions, on all pages."}${decided ? ` ${counted(decided, "row", "rows")} of them ${decided === 1 ? "was" : "were"} decided before: this overrules it.` : ""}</p>
      <div class="actions"><button class="main" onClick=${() => { dialog.current.close(); decideMany(what); }}>Yes, ${counted(count, "row")}</button>
      <button onClick=${() => dialog.current.close()}>No</button></div>
    </dialog></span>`;
};
