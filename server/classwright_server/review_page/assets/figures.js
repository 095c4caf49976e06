// The figures: which labels are confused, how many texts each topic has, what each round wrote, how persons and classifier agree.
const MOST_LABELS = 20, MOST_LINES = 12;

const Figures = () => {
  const [found, setFound] = useState(null);
  useKeys(() => false);
  useEffect(() => {
    host.call("review_figures", { ...reviewed(), look: { where: {} } }).then(setFound, (error) => say(error.message));
  }, [session.review.dataset, session.review.doubts]);
  if (!found) return html`<p class="empty">Counting…</p>`;
  return html`<section class="figures" aria-label="Figures">
    ${found.confusion ? html`<${Confusion} ...${found.confusion} />` : html`<p class="empty">${session.preparing ?? "No classifier has judged the rows yet."}</p>`}
    ${found.agreement && html`<h2>You and the classifier</h2><p>In ${found.agreement.same} of ${found.agreement.rows} rows that a person labelled
      or accepted, the classifier finds the same label${isSeveral() ? "s" : ""}: ${percent(found.agreement.share)} (most likely ${percent(found.agreement.low)} to ${percent(found.agreement.high)}, the 95% interval).
      Of all rows this tells little unless you decided on a fair sample (in the queue).</p>`}
    ${found.cells.total > 0 && html`<${Coverage} ...${found.cells} />`}
    ${found.rounds.length > 0 && html`<${Rounds} rounds=${found.rounds} />`}
  </section>`;
};

const Confusion = ({ labels, cells, rows: asked, right: rightly, errors = [] }) => {
  const wrong = cells.filter(([own, guess]) => own !== guess).sort((a, b) => b[2] - a[2]);
  const all = asked ?? cells.reduce((sum, [, , rows]) => sum + rows, 0), right = rightly ?? all - wrong.reduce((sum, [, , rows]) => sum + rows, 0);
  const weight = new Map();
  for (const [own, guess, rows] of wrong) for (const label of [own, guess]) weight.set(label, (weight.get(label) ?? 0) + rows);
  const shown = labels.map((_, place) => place).sort((a, b) => (weight.get(b) ?? 0) - (weight.get(a) ?? 0)).slice(0, MOST_LABELS).sort((a, b) => a - b);
  const rowsOf = new Map(cells.map(([own, guess, rows]) => [`${own} ${guess}`, rows])), most = Math.max(1, ...wrong.map(([, , rows]) => rows));
  const open = (own, guess) => openList(isSeveral() && own !== guess ? { where: {}, missed: labels[own], added: labels[guess] } : { where: { labels: [labels[own]] }, guess: labels[guess] });
  return html`<h2>${isSeveral() ? "Labels given in the place of others" : "Which labels are taken for which"}</h2>
    <p>${isSeveral() ? html`A classifier that had not seen them gives ${right} of ${all} rows all their labels and no other. Each cell counts the rows in which it missed one label
      (the line) and added another (the column)` : html`A classifier that had not seen them finds the label of ${right} of ${all} rows. Each cell counts the rows of one label (the line) for which it finds
      another one likeliest (the column)`}; press one to see its rows.${innerWidth <= NARROW ? " The table scrolls sideways." : ""}${labels.length > MOST_LABELS ? ` Of ${labels.length} labels the ${MOST_LABELS} most confused are drawn.` : ""}</p>
    <div class="scroll" tabindex="0"><table class="confusion"><thead><tr><th scope="col">label</th>${shown.map((guess) => html`<th scope="col" key=${guess}><span title=${labels[guess]}>${labels[guess]}</span></th>`)}</tr></thead>
      <tbody>${shown.map((own) => html`<tr key=${own}><th scope="row">${breakable(labels[own])}</th>${shown.map((guess) => {
        const rows = rowsOf.get(`${own} ${guess}`);
        return html`<td key=${guess} class=${own === guess ? "right" : ""}>${rows ? html`<button type="button" style=${{ "--heat": own === guess ? 0 : rows / most }}
          aria-label=${`${counted(rows, "row")} of ${labels[own]} taken for ${labels[guess]}`} onClick=${() => open(own, guess)}>${rows}</button>` : ""}</td>`;
      })}</tr>`)}</tbody></table></div>
    ${wrong.length > 0 && html`<h2>Most confused</h2>${wrong.length > MOST_LINES && html`<p>The first ${MOST_LINES} of ${wrong.length} pairs of labels.</p>`}<ol class="lines">${wrong.slice(0, MOST_LINES).map(([own, guess, rows]) => html`<li key=${`${own} ${guess}`}>
      <button type="button" onClick=${() => open(own, guess)}>${rows} of <b>${labels[own]}</b> taken for <b>${labels[guess]}</b></button></li>`)}</ol>`}
    ${errors.length > 0 && html`<${Errors} labels=${labels} errors=${errors} />`}`;
};

// Where rows may have several labels: what the classifier missed, and what it added.
const Errors = ({ labels, errors }) => html`<h2>Labels missed and added</h2>
  ${errors.length > MOST_LINES && html`<p>The first ${MOST_LINES} of ${errors.length} labels.</p>`}
  <ol class="lines">${errors.slice(0, MOST_LINES).flatMap(([label, missed, added]) => [
    missed > 0 && html`<li key=${`m${label}`}><button type="button" onClick=${() => openList({ where: {}, missed: labels[label] })}><b>${labels[label]}</b> missed in ${counted(missed, "row that has", "rows that have")} it</button></li>`,
    added > 0 && html`<li key=${`a${label}`}><button type="button" onClick=${() => openList({ where: {}, added: labels[label] })}><b>${labels[label]}</b> added to ${counted(added, "row")} without it</button></li>`])}</ol>`;

const Coverage = ({ total, fewest }) => html`<h2>Texts for each topic</h2>
  <p>${total > fewest.length ? `The ${fewest.length} topics with the fewest rows, of ${total} that have any` : "The topics that have rows, those with the fewest first"}; press one to see its rows.</p>
  <ol class="lines">${fewest.map(({ label, topic, subtopic, source_type, rows }) => html`<li key=${[label, topic, subtopic, source_type].join()}>
    <button type="button" onClick=${() => openList({ where: {}, cell: { label, topic, subtopic, source_type } })}>
      ${rows} × <b>${label}</b>: ${[topic, subtopic, source_type].filter(Boolean).join(" · ")}</button></li>`)}</ol>`;

const Rounds = ({ rounds }) => {
  const sum = (labels) => Object.values(labels).reduce((all, rows) => all + rows, 0), most = Math.max(...rounds.map(({ labels }) => sum(labels)));
  return html`<h2>Written texts by round</h2><ol class="lines">${rounds.map(({ round, labels }) => html`<li key=${round}>
    <button type="button" class="round" onClick=${() => openList({ where: { round, origins: ["written"] } })}>
      <span>round ${round}</span><span class="stripe" style=${{ "--share": sum(labels) / most }}></span><span>${counted(sum(labels), "row")}, ${counted(Object.keys(labels).length, "label")}</span></button></li>`)}</ol>`;
};
