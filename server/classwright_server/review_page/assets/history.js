// The history: what was decided and by whom, the newest first, with a way back; and the versions of the dataset.
const MADE = { import_examples: "rows brought in", synthesize_examples: "texts written", submit_examples: "texts written", annotate_examples: "labels given", edit_examples: "rows or labels changed", finish_review: "a review saved" };

const whenInWords = (when) => new Date(when).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

// Makes a new version with the rows of an earlier one, to the byte; nothing of those between is lost.
const goBack = async (version) => {
  say(`Going back to ${version}…`);
  try {
    await marks.flush();
    const { task } = session.review;
    await goOnWith(task, await jobOf("edit_examples", { task, reason: "Gone back on the review page", revert_to: version }));
  } catch (error) {
    say(error.message);
  }
};

const AGES = ["← Newer", "Older →"];

const History = () => {
  const [tick, setTick] = useState(0);
  const [offset, setOffset] = useState(0), [versionsOffset, setVersionsOffset] = useState(0);
  useKeys(() => false);
  const found = useAnswer(() => marks.flush().then(() => host.call("review_history", { task: session.review.task, offset, versions_offset: versionsOffset })), [session.review.dataset, session.review.cursor, session.review.newest, offset, versionsOffset, tick]);
  if (!found) return html`<p class="empty">Fetching the history…</p>`;
  const undo = async (id) => { await marks.undoById(id); setTick(tick + 1); };
  return html`<section class="history" aria-label="History">
    <label>Your name, for others <${Field} value=${session.name} maxlength="25" act=${(name) => { change({ name: asName(name) }); keepInAddress("name", session.name); marks.sign(); }} /></label>
    <p>It stands on what you decide from now on, and on what of yours waits to be saved. What is saved keeps the name of then.</p>
    <h2>Decisions</h2>
    <p>Undo takes a decision back. Of one that is saved it makes a version without it; rows that were changed again since stay.</p>
    ${found.total === 0 && html`<p class="empty">Nothing has been decided on the page yet.</p>`}
    <ul class="rows">${found.decisions.map((one) => html`<li key=${one.id} class=${one.undone ? "undone" : ""}><div class="what">
      <p>${counted(one.count, "row")} ${doneInWords(one, one.action)}${one.count === 1 && one.excerpt ? html`: <q dir=${wayOf(one.excerpt)}>${one.excerpt}</q>` : ""} <span class="about"><time datetime=${one.when}>${whenInWords(one.when)}</time>${" · "}${inName(one.person)}${one.version ? ` · in ${one.version}` : ""}${one.undone ? " · undone" : ""}</span></p></div>
      ${!one.undone && html`<button aria-label=${`Undo: ${counted(one.count, "row")} ${DEEDS[one.action]}`} onClick=${() => undo(one.id)}>Undo</button>`}</li>`)}</ul>
    <${Pages} label="Pages of decisions" words=${AGES} total=${found.total} offset=${offset} shown=${found.decisions.length} size=${found.a_page} turn=${setOffset} />
    <h2>Versions of the dataset</h2>
    <ul class="rows">${found.versions.map((one, number) => html`<li key=${one.id}><div class="what"><p><b>${one.id}</b> <span class="about"><time datetime=${one.when}>${whenInWords(one.when)}</time> · ${MADE[one.made_by] ?? one.made_by}${one.reason ? `: ${one.reason}` : ""}</span></p></div>
      ${one.id !== session.review.dataset && html`<button onClick=${() => openReview({ task: session.review.task, dataset: one.id })}>Look at it</button>`}
      ${number + versionsOffset > 0 && html`<button aria-label=${`Go back to it: ${one.id}`} onClick=${() => goBack(one.id)}>Go back to it</button>`}</li>`)}</ul>
    <${Pages} label="Pages of versions" words=${AGES} total=${found.versions_total} offset=${versionsOffset} shown=${found.versions.length} size=${found.a_page} turn=${setVersionsOffset} />
  </section>`;
};
