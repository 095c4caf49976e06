// The figures: which labels are confused, how many texts each topic has, what each round wrote, how persons and classifier agree.
const MOST_LABELS = 20, MOST_LINES = 12;

const Figures = () => {
  useKeys(() => false);
  const found = useAnswer(() => asked("figures", { look: { where: {} } }), [session.review.dataset, session.review.doubts]);
  if (!found) return html`<p class="empty">Counting…</p>`;
  return html`<section class="figures" aria-label="Figures">
    ${found.confusion ? html`<${Confusion} ...${found.confusion} />` : html`<p class="empty">${session.preparing ?? "No classifier has judged the rows yet."}</p>`}
    ${found.agreement && html`<h2>You and the classifier</h2><p>In ${found.agreement.same} of ${counted(found.agreement.rows, "row")} that a person labelled
      or accepted here, the classifier finds the same label${isSeveral() ? "s" : ""}: ${interval(found.agreement)}.
      Of all rows this tells little unless you decided on a fair sample (in the queue).</p>`}
    ${found.people?.people.length > 0 && html`<h2>People</h2><p>${found.people.people.map(({ name, rows }) => `${name} ${counted(rows, "row")}`).join(", ")}. They differ about ${counted(found.people.disputed, "row")}.</p>
      ${found.people.agreement.map(({ names, rows, same, share, measure, beyond_chance: kappa }) => html`<p key=${names}>Of ${counted(rows, "row")} that ${names.join(" and ")} answered independently they agree on ${same}:
        ${" "}${interval(share)}${kappa ? `; ${measure} ${interval(kappa, (figure) => figure.toFixed(2))}` : ""}.</p>`)}`}
    ${found.cells.total > 0 && html`<${Coverage} ...${found.cells} />`}
    ${found.rounds.length > 0 && html`<${Rounds} rounds=${found.rounds} />`}
  </section>`;
};

const Confusion = ({ labels, cells, of, rows: asked, right: rightly, errors = [] }) => {
  // Past the labels: rows with none of them, or given none; rows of whose labels none was missed, or to which none was added.
  const none = labels.length, several = isSeveral(), names = [...labels, NONE], lines = [...names, "nothing missed"], columns = [...names, "nothing added"];
  const wrong = cells.filter(([own, guess]) => own !== guess).sort((a, b) => b[2] - a[2]);
  const all = asked ?? cells.reduce((sum, [, , rows]) => sum + rows, 0), right = rightly ?? all - wrong.reduce((sum, [, , rows]) => sum + rows, 0);
  const weight = new Map();
  for (const [own, guess, rows] of wrong) for (const label of [own, guess]) weight.set(label, (weight.get(label) ?? 0) + rows);
  const shown = labels.map((_, place) => place).sort((a, b) => (weight.get(b) ?? 0) - (weight.get(a) ?? 0)).slice(0, MOST_LABELS).sort((a, b) => a - b);
  if (several) shown.push(none, none + 1);
  const rowsOf = new Map(cells.map(([own, guess, rows]) => [`${own} ${guess}`, rows])), most = Math.max(1, ...wrong.map(([, , rows]) => rows));
  const open = (own, guess) => openList(!several || (own === guess && own < none) ? { where: { labels: [labels[own]] }, guess: labels[guess] } : {
    where: own === none ? { labels: [NO_LABELS] } : {}, ...(own === none ? {} : { missed: labels[own] ?? NO_LABELS }),
    ...(guess === none ? { guess: NO_LABELS } : { added: labels[guess] ?? NO_LABELS }),
  });
  const share = (own, rows) => percent(rows / of[own]);
  const inWords = (own, guess) => (own >= none ? (guess >= none ? "all right" : `${labels[guess]} added where ${own === none ? "none applies" : "nothing was missed"}`)
    : guess >= none ? `${labels[own]} missed, ${guess === none ? "no label given" : "nothing added"}` : `${labels[own]} taken for ${labels[guess]}`);
  return html`<h2>${several ? "Labels given in the place of others" : "Which labels are taken for which"}</h2>
    <p>${several ? html`A classifier that had not seen them gives ${right} of ${all} rows all their labels and no other. Each cell counts the rows in which it missed one label
      (the line) and added another (the column), and their share of the line` : html`A classifier that had not seen them finds the label of ${right} of ${all} rows. Each cell counts the rows of one label (the line) for which it finds
      another one likeliest (the column), and their share of the line`}; press one to see its rows.${innerWidth <= NARROW ? " The table scrolls sideways." : ""}${labels.length > MOST_LABELS ? ` Of ${labels.length} labels the ${MOST_LABELS} most confused are drawn.` : ""}</p>
    <div class="scroll" tabindex="0"><table class="confusion"><thead><tr><th scope="col">label</th>${shown.map((guess) => html`<th scope="col" key=${guess}><span title=${columns[guess]}>${columns[guess]}</span></th>`)}</tr></thead>
      <tbody>${shown.map((own) => html`<tr key=${own}><th scope="row">${breakable(lines[own])}</th>${shown.map((guess) => {
        const rows = rowsOf.get(`${own} ${guess}`);
        return html`<td key=${guess} class=${own === guess ? "right" : ""}>${rows ? html`<button style=${{ "--heat": own === guess ? 0 : rows / most }}
          aria-label=${`${rows} ${share(own, rows)} of the line: ${inWords(own, guess)}`} onClick=${() => open(own, guess)}><b>${rows}</b> <small>${share(own, rows)}</small></button>` : ""}</td>`;
      })}</tr>`)}</tbody></table></div>
    ${wrong.length > 0 && html`<h2>Most confused</h2>${wrong.length > MOST_LINES && html`<p>The first ${MOST_LINES} of ${wrong.length}.</p>`}<ol class="lines">${wrong.slice(0, MOST_LINES).map(([own, guess, rows]) => html`<li key=${`${own} ${guess}`}>
      <button onClick=${() => open(own, guess)}>${rows} of ${of[own]} rows (${share(own, rows)}): <b>${inWords(own, guess)}</b></button></li>`)}</ol>`}
    ${errors.length > 0 && html`<${Errors} labels=${labels} errors=${errors} />`}`;
};

// Where rows may have several labels: what the classifier missed, and what it added.
const Errors = ({ labels, errors }) => html`<h2>Labels missed and added</h2>
  ${errors.length > MOST_LINES && html`<p>The first ${MOST_LINES} of ${errors.length} labels.</p>`}
  <ol class="lines">${errors.slice(0, MOST_LINES).flatMap(([label, missed, added]) => [
    missed > 0 && html`<li key=${`m${label}`}><button onClick=${() => openList({ where: {}, missed: labels[label] })}><b>${labels[label]}</b> missed in ${counted(missed, "row that has", "rows that have")} it</button></li>`,
    added > 0 && html`<li key=${`a${label}`}><button onClick=${() => openList({ where: {}, added: labels[label] })}><b>${labels[label]}</b> added to ${counted(added, "row")} without it</button></li>`])}</ol>`;

const Coverage = ({ total, fewest }) => html`<h2>Texts for each topic</h2>
  <p>${total > fewest.length ? `The ${fewest.length} topics with the fewest rows, of ${total} that have any` : "The topics that have rows, those with the fewest first"}; press one to see its rows.</p>
  <ol class="lines">${fewest.map(({ label, topic, subtopic, source_type, rows }) => html`<li key=${[label, topic, subtopic, source_type].join()}>
    <button onClick=${() => openList({ where: {}, cell: { label, topic, subtopic, source_type } })}>
      ${rows} × <b>${label}</b>: ${[topic, subtopic, source_type].filter(Boolean).join(" · ")}</button></li>`)}</ol>`;

const Rounds = ({ rounds }) => {
  const sum = (labels) => Object.values(labels).reduce((all, rows) => all + rows, 0), most = Math.max(...rounds.map(({ labels }) => sum(labels)));
  return html`<h2>Written texts by round</h2><ol class="lines">${rounds.map(({ round, labels }) => html`<li key=${round}>
    <button class="round" onClick=${() => openList({ where: { round, origins: ["written"] } })}>
      <span>round ${round}</span><span class="stripe" style=${{ "--share": sum(labels) / most }}></span><span>${counted(sum(labels), "row")}, ${counted(Object.keys(labels).length, "label")}</span></button></li>`)}</ol>`;
};
