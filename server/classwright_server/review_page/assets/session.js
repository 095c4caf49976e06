// The session: what is under review, and the one place where it changes. Views are drawn anew after every change.
const { html, render, useState, useEffect, useRef, useMemo, useReducer } = preactHtm;

const randomName = (length) => Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => (byte % 36).toString(36)).join("");

const PERSON = `p${randomName(11)}`;
// Who decides: a name, once it is given, before what tells two pages of one person apart.
const me = () => (session.name ? `${session.name}-${PERSON}` : PERSON);
const asMe = () => ({ person: me(), after: session.review.cursor ?? 0 });
const newId = () => `${PERSON}-${randomName(12)}`; // of a decision
const nameOf = (person) => (/^(.+)-p\w{11}$/.exec(person) ?? [])[1];
const isMe = (person) => person.endsWith(PERSON) || (session.name && nameOf(person) === session.name);
const inName = (person) => (isMe(person) ? "you" : nameOf(person) ?? `person ${person.slice(1, 5)}`);
const asName = (typed) => typed.replace(/[^\p{L}\p{M}\p{Nd}_ .-]/gu, "").trim().slice(0, 25);

// What a person set stands in the page's address, and so stays over a reload; the page stores nothing.
const address = new URLSearchParams(location.search);
const keepInAddress = (name, value) => {
  if (value) address.set(name, value); else address.delete(name);
  try { history.replaceState(null, "", `${location.pathname}?${address}${location.hash}`); } catch { /* a frame in a chat has none */ }
};

const session = {
  phase: "waiting", // then "open", or "failed" with its words in `fault`
  fault: "",
  given: {}, // what the host's tool call was about: task, dataset, model
  look: null, // the rows that it looked for, if it did
  review: null, // the answer of review_open
  view: "queue",
  note: "", // said to the person, also by screen readers
  name: asName(address.get("name") ?? ""), // as others see it
  suggests: address.get("suggest") !== "nothing",
  away: false, // whether the server does not answer
  unsent: 0,
  refused: [], // decisions that the server did not take: the row and the reason
  preparing: null, // how far the judging of the rows is, or why it failed
};

let drawAnew = () => {};
const change = (changes) => { Object.assign(session, changes); drawAnew(); };
const say = (note) => change({ note }), sayWhy = ({ message }) => say(message);

// Each call tells whether the server is there. One that refuses is.
const ask = host.call;
host.call = async (...asked) => {
  try {
    const answer = await ask(...asked);
    if (session.away) change({ away: false });
    return answer;
  } catch (error) {
    change({ away: !error.refused });
    throw error;
  }
};

const reviewed = () => ({ dataset: session.review.dataset, ...(session.review.model ? { model: session.review.model } : {}) });
const isReviewed = ({ dataset }) => dataset === session.review.dataset; // still
// A call about what is reviewed, by the name of its tool.
const asked = (name, more) => host.call(`review_${name}`, { ...reviewed(), ...more });
const labelNames = () => session.review.labels.map((label) => label.name);
// A task whose rows may have several labels has them in a list, `labels`, where others have one, `label`.
const isSeveral = () => session.review.multi_label;
const NONE = "none of the labels", NO_LABELS = "|"; // in words, and as callers write it
const inWords = (labels) => labels.join(" + ") || NONE;
// The label or labels of a row, or of a decision, in words; undefined where nobody has said which.
const labelsOf = ({ label, labels }) => (labels ? inWords(labels) : label);
// The labels that a classifier gives to a row; undefined where it was not asked.
const givenTo = (row) => row.guesses?.slice(0, row.given).map(([name]) => name);
const sameSet = (one, other) => one.length === other.length && one.every((name) => other.includes(name));

const inFigures = (count) => count.toLocaleString("en");
// A count with its noun, or with whatever else goes by the number.
const counted = (count, one, many = `${one}s`) => `${inFigures(count)} ${count === 1 ? one : many}`;

const isInline = () => host.context.displayMode === "inline";

// The direction in which a text is read: that of most of its letters. The first one may be of a name or an address.
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/g;
const wayOf = (text) => ((text.match(RIGHT_TO_LEFT)?.length ?? 0) * 2 > (text.match(/\p{L}/gu)?.length ?? 0) ? "rtl" : "ltr");

// What the numbers around the rows are by now; answers of several tools have them.
const takeProgress = ({ decided, waiting, waiting_rows, sample, newest, cursor, disputed, otherwise = session.review.otherwise }) =>
  Object.assign(session.review, { decided, waiting, waiting_rows, sample, newest, disputed, otherwise, cursor: Math.max(cursor, session.review.cursor ?? 0) });

// Shows a dataset; `first` is the id of the row that the queue is to begin with.
const openReview = async (given, first) => {
  try {
    const review = await host.call("review_open", { ...given, person: me() });
    const isSameTask = review.task === session.review?.task;
    list.forget(isSameTask);
    session.rows = new Map();
    marks.begin();
    change({ review, phase: "open", fault: "", preparing: null });
    if (session.look) await begin(session.look); else queue.resume(isSameTask, first);
    session.look = null;
    if (!review.doubts) prepare();
  } catch (error) {
    change({ phase: "failed", fault: error.message, given });
  }
};

// The result of a tool that runs as a job of the server.
const jobOf = async (tool, given, progress = () => {}) => {
  let job = await host.call(tool, { ...given, wait_seconds: 20 });
  while (job.status === "queued" || job.status === "running") {
    progress(job.progress ?? 0);
    job = await host.call("get_job", { job_id: job.job_id, wait_seconds: 5 });
  }
  if (job.status !== "completed") throw new Error(job.error ?? `it was ${job.status}`);
  return { ...job.result, summary: job.summary };
};

// Shows the version that such a job made, unless another task is shown by now.
const goOnWith = async (task, made, first) => {
  if (task === session.review.task) await openReview({ task, ...idsIn(made) }, first);
  say(made.summary);
};

// Has the rows judged, in a job of the server, then shows the doubtful ones first.
const prepare = async () => {
  const about = reviewed(), tell = (preparing) => isReviewed(about) && change({ preparing });
  tell("Finding out which rows are doubtful…");
  try {
    await jobOf("prepare_review", about, (share) => tell(`Finding out which rows are doubtful: ${percent(share)}`));
    const { doubts, agreement } = await host.call("review_open", about);
    if (!isReviewed(about)) return;
    Object.assign(session.review, { doubts, agreement });
    tell(null);
    if (!queue.blind) queue.reorder();
    list.refresh();
  } catch (error) {
    tell(`Rows are not ordered by doubt: ${error.message}`);
  }
};

// Whether a look is for rows of which a classifier says something, and none was asked yet.
const isEarly = ({ doubt, guess, missed, added }) => !session.review.doubts && Boolean(doubt || guess || missed || added);

// Shows the rows that a call in the chat looked for: as a list, or where there is room for one row alone in the queue.
const begin = (look) => (isInline() ? queue.begin("chosen", look) : (queue.begin("doubt"), openList(look)));

// The rows that a call of find_examples looked for, as conditions: no ids where the answer alone tells them; null where it asked for none.
const lookOf = ({ where = {}, doubt, mark: state, ids, like, compare_to }) => {
  if (like || compare_to || !((doubt ?? "unsure") in DOUBTS) || !((state ?? "flag") in STATES)) return { where: {}, ids: [] };
  if (ids?.length) return { where: {}, ids };
  return Object.keys(where).length || doubt || state ? { where, ...(doubt && { doubt }), ...(state && { state }) } : null;
};

// The task, dataset or model that a tool's arguments or its answer are about.
const idsIn = (value) => {
  const inner = value?.result ?? value ?? {};
  const found = {};
  for (const name of ["task", "dataset", "model"]) if (typeof inner[name] === "string") found[name] = inner[name];
  return found;
};

// What the server answers, asked anew when `about` changes; an answer that comes too late is left.
const useAnswer = (ask, about) => {
  const [found, setFound] = useState(null);
  useEffect(() => {
    let isLate = false;
    ask().then((answer) => isLate || setFound(answer), sayWhy);
    return () => { isLate = true; };
  }, about);
  return found;
};

// The rows that views share, kept by their ids; `remember` returns the ids in the order of the rows.
const remember = (rows) => { for (const row of rows) session.rows.set(row.id, row); return rows.map((row) => row.id); };
const rowOf = (id) => session.rows.get(id);
