// The history: what was decided and by whom, the newest first, with a way back; and the versions of the dataset.
const SAID = { accept: "accepted", relabel: "labelled", remove: "removed", edit: "edited", flag: "flagged", good_example: "marked as good examples" };

// Makes a new version with the rows of an earlier one, to the byte; nothing of those between is lost.
const goBack = async (version) => {
  say(`Going back to ${version}…`);
  try {
    await marks.flush();
    const made = await jobOf("edit_examples", { task: session.review.task, reason: "Gone back on the review page", revert_to: version });
    await openReview({ task: session.review.task, ...(made.dataset ? { dataset: made.dataset } : {}) });
    say(made.summary);
  } catch (error) {
    say(error.message);
  }
};

const History = () => {
  const [found, setFound] = useState(null), [offset, setOffset] = useState(0), [tick, setTick] = useState(0);
  useKeys(() => false);
  useEffect(() => {
    marks.flush().then(() => host.call("review_history", { task: session.review.task, offset })).then(setFound, (error) => say(error.message));
  }, [session.review.dataset, offset, tick]);
  if (!found) return html`<p class="empty">Fetching the history…</p>`;
  const undo = async (id) => { await marks.undoById(id); say("Undone."); setTick(tick + 1); };
  return html`<section class="history" aria-label="History">
    <h2>Decisions</h2>
    ${found.total === 0 && html`<p class="empty">Nothing has been decided yet.</p>`}
    <ul class="rows">${found.decisions.map((one) => html`<li key=${one.id} class=${one.undone ? "undone" : ""}><div class="what">
      <p>${one.count === 1 ? "1 row" : `${one.count} rows`} ${SAID[one.action]}${one.label ? ` as ${one.label}` : ""}${one.count === 1 && one.excerpt ? html`: <q dir="auto">${one.excerpt}</q>` : ""} <span class="about"><time datetime=${one.when}>${new Date(one.when).toLocaleString()}</time>
        · ${one.person === PERSON ? "you" : `person ${one.person.slice(1, 5)}`}${one.version ? ` · in ${one.version}` : ""}${one.undone ? " · undone" : ""}</span></p></div>
      ${!one.undone && !one.version && html`<button type="button" aria-label=${`Undo: ${one.count} rows ${SAID[one.action]}`} onClick=${() => undo(one.id)}>Undo</button>`}</li>`)}</ul>
    ${found.total > found.decisions.length && html`<nav class="bar" aria-label="Pages"><button type="button" disabled=${!offset} onClick=${() => setOffset(Math.max(0, offset - found.a_page))}>← Newer</button>
      <button type="button" disabled=${offset + found.a_page >= found.total} onClick=${() => setOffset(offset + found.a_page)}>Older →</button></nav>`}
    <h2>Versions of the dataset</h2>
    <ul class="rows">${found.versions.map((one, number) => html`<li key=${one.id}><div class="what"><p><b>${one.id}</b> <span class="about"><time datetime=${one.when}>${new Date(one.when).toLocaleString()}</time> · by ${one.made_by}</span></p></div>
      ${one.id !== session.review.dataset && html`<button type="button" onClick=${() => openReview({ task: session.review.task, dataset: one.id })}>Look at it</button>`}
      ${number > 0 && html`<button type="button" aria-label=${`Go back to it: ${one.id}`} onClick=${() => goBack(one.id)}>Go back to it</button>`}</li>`)}</ul>
  </section>`;
};
