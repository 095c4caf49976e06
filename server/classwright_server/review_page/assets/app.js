// The page: its views, its keys, and what the host tells it.
const VIEWS = { queue: ["Queue", Queue], list: ["List", List], map: ["Map", MapView], figures: ["Figures", Figures], history: ["History", History] };

// Keys of the view that is shown. A handler returns false for a key that means nothing to it.
let keysOfView = () => false;
const useKeys = (handler) => { keysOfView = handler; };
addEventListener("keydown", (event) => {
  if (session.phase !== "open" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input, textarea, select, dialog")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "Enter" && event.target.closest?.("button, a, summary")) return; // it is pressed
  if (keysOfView(event) !== false) event.preventDefault();
});

const save = async () => {
  await marks.flush();
  const notSaved = "Nothing is saved yet, as the server is away. Press Save when it is back.";
  if (marks.count) return say(session.away ? notSaved : "Some decisions are not stored yet.");
  say("Making the new version…");
  try {
    const { task } = session.review, made = await jobOf("finish_review", { task });
    await goOnWith(task, made);
    host.tell(`The person reviewed rows. ${made.summary}`).catch(() => {});
  } catch (error) {
    say(session.away ? notSaved : error.message);
  }
};

const Progress = () => {
  const { decided, waiting, waiting_rows: on, splits } = session.review, all = waiting + session.unsent, rows = session.review.rows - (splits.test ?? 0); // no test row is asked
  const count = Object.values(decided).reduce((sum, one) => sum + one, 0);
  return html`<div class="progress">
    <span>${inFigures(count)} of ${inFigures(rows)} rows decided${session.unsent ? `, ${session.unsent} being stored` : ""}</span>
    <progress max=${rows} value=${count} aria-label="Rows decided"></progress>
    <button class="main" disabled=${!all} onClick=${save}>${all ? `Save ${counted(all, "decision")}${session.unsent || all === on ? "" : ` on ${counted(on, "row")}`}` : "Nothing to save"}</button>
  </div>`;
};

// What was done outside of this page, and what the server did not take.
const Notices = () => {
  const { review, refused } = session, rows = [...new Set(refused.map(({ row }) => row).filter(Boolean))];
  const goOn = async () => { await marks.flush(); await openReview({ task: review.task, dataset: review.newest }); };
  return html`${session.away && html`<p class="notice warn" role="alert">The server is away. ${session.unsent ? `${counted(session.unsent, "decision is", "decisions are")} kept here and sent when it is back: leave this page open.` : "Your decisions are kept here and sent when it is back."}</p>`}
    ${review.newest !== review.dataset && html`<p class="notice" role="status">${review.newest} is newer than ${review.dataset}, which is shown here.
      <button onClick=${goOn}>Go to ${review.newest}</button></p>`}
    ${!isInline() && Object.entries(review.otherwise ?? {}).map(([name, { rows, yours }]) => html`<p key=${name} class="notice" role="status">${name} decided otherwise on ${inFigures(rows)} of your rows, and yours stands on ${yours ? inFigures(yours) : "none"}.
      <button onClick=${() => openList({ where: { decided_by: session.name }, state: "disputed" })}>Show them</button></p>`)}
    ${refused.length > 0 && html`<p class="notice warn" role="alert">Not stored: ${[...new Set(refused.map(({ reason }) => reason))].join("; ")}.
      ${rows.length > 0 && !isInline() && html`<button onClick=${() => { change({ refused: [] }); openList({ where: {}, ids: rows }); }}>Show ${counted(rows.length, "row")}</button>`}
      <button onClick=${() => change({ refused: [] })}>Close</button></p>`}`;
};

const Header = () => {
  const { review, view } = session;
  const whole = host.context.availableDisplayModes?.includes("fullscreen");
  return html`<header>
    <h1>${review.tasks.length > 1 && !isInline() ? html`<select aria-label="Task" value=${review.task} onChange=${(event) => openReview({ task: event.target.value })}>
      ${review.tasks.map((name) => html`<option key=${name}>${name}</option>`)}</select>` : review.task} <small>${review.dataset}</small></h1>
    ${isInline() ? whole && html`<button onClick=${() => host.show("fullscreen").catch(sayWhy)}>Full screen</button>`
      : html`<nav aria-label="Views">${Object.entries(VIEWS).map(([name, [words]]) => html`
        <button key=${name} aria-current=${view === name ? "page" : undefined} onClick=${() => change({ view: name, note: "" })}>${words}</button>`)}</nav>`}
    <${Progress} />
  </header>`;
};

const App = () => {
  [, drawAnew] = useReducer((count) => count + 1, 0);
  const main = useRef();
  useEffect(() => { if (!isInline()) main.current?.focus(); }, [session.phase]); // so that keys arrive without a click
  if (session.phase === "waiting") return html`<main><p class="empty" role="status">Opening the review…</p></main>`;
  if (session.phase === "failed") {
    return html`<main><p class="empty" role="alert">${session.fault}</p>
      <p class="empty"><button onClick=${() => openReview(session.given)}>Try again</button></p></main>`;
  }
  const View = VIEWS[isInline() ? "queue" : session.view][1];
  const leave = (event) => { // so that a key after a click is about the row, not the button; a field that the click opened has the focus already
    if (event.detail && event.target.closest(".card button") && !document.activeElement.closest("input, textarea")) main.current.focus({ preventScroll: true });
  };
  return html`<main tabindex="-1" ref=${main} onClick=${leave}><${Header} /><${Notices} /><p class="note" role="status">${session.note || session.preparing || ""}</p><${View} key=${session.review.dataset} /></main>`;
};

// A host may send what the tool was called with and answered, a part of it, or nothing: what is missing is asked for.
const WAIT_MS = 1_500;
let begun = false;
const isEmpty = (look) => look?.ids?.length === 0; // the answer tells its rows
const start = () => {
  if (begun) return;
  begun = true;
  if (isEmpty(session.look)) session.look = null;
  openReview(session.given);
};
host.on["tool-input"] = ({ arguments: given }) => {
  session.given = { ...session.given, ...idsIn(given) };
  session.look = lookOf(given ?? {});
};
host.on["tool-result"] = (result) => {
  let answer = result.structuredContent;
  try { answer ??= JSON.parse(result.content[0].text); } catch { /* words, or nothing */ }
  const { task, dataset, model } = idsIn(answer);
  session.given = { ...session.given, ...(dataset ? { dataset } : task ? { task } : {}), ...(model ? { model } : {}) };
  const rows = (answer?.result ?? answer)?.rows;
  const isTold = session.look ? isEmpty(session.look) : rows?.every?.((row) => typeof row.similarity === "number");
  if (isTold && rows?.length) session.look = { where: {}, ids: rows.map((row) => row.id) };
  start();
};
host.on["tool-cancelled"] = start;
host.on["resource-teardown"] = () => marks.flush();
host.on.context = () => { document.documentElement.dataset.mode = host.context.displayMode ?? "fullscreen"; drawAnew(); };

addEventListener("beforeunload", (event) => { if (marks.count) event.preventDefault(); }); // what is not stored would be lost

// Others decide too, on another page or in the chat. A page that nobody sees asks for nothing.
const LISTEN_MS = 4_000, LISTEN_INLINE_MS = 20_000;
const listen = async () => {
  if (session.phase === "open" && document.visibilityState === "visible") await marks.listen().catch(() => {}); // a server that is away is told of by what waits for it
  setTimeout(listen, isInline() ? LISTEN_INLINE_MS : LISTEN_MS);
};
setTimeout(listen, LISTEN_MS);

render(html`<${App} />`, document.getElementById("app"));
host.connect({ name: "classwright-review", version: "1" }).then(() => setTimeout(start, WAIT_MS), (error) =>
  change({ phase: "failed", fault: `This page is shown by a host of MCP Apps, and none answers: ${error.message}` }));
