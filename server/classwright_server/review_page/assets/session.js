// The session: what is under review, and the one place where it changes. Views are drawn anew after every change.
const { html, render, useState, useEffect, useRef, useMemo, useReducer } = preactHtm;

const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
const randomName = (length) =>
  Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => letters[byte % letters.length]).join("");

const PERSON = `p${randomName(11)}`;
// Who decides: a name, once it is given, before what tells two pages of one person apart.
const me = () => (session.name ? `${session.name}-${PERSON}` : PERSON);
const nameOf = (person) => (/^(.+)-p\w{11}$/.exec(person) ?? [])[1];
const inName = (person) => (person.endsWith(PERSON) ? "you" : nameOf(person) ?? `person ${person.slice(1, 5)}`);
const asName = (typed) => typed.replace(/[^\p{L}\p{M}\p{Nd}_ .-]/gu, "").trim().slice(0, 25);

const session = {
  phase: "waiting", // then "open", or "failed" with its words in `fault`
  fault: "",
  given: {}, // what the host's tool call was about: task, dataset, model
  look: null, // the rows that it looked for, if it did
  review: null, // the answer of review_open
  view: "queue",
  note: "", // said to the person, also by screen readers
  name: asName(new URLSearchParams(location.search).get("name") ?? ""), // as others see it
  unsent: 0,
  refused: [], // decisions that the server did not take: the row and the reason
  preparing: null, // how far the judging of the rows is, or why it failed
};

let drawAnew = () => {};
const change = (changes) => { Object.assign(session, changes); drawAnew(); };
const say = (note) => change({ note });

const reviewed = () => ({ dataset: session.review.dataset, ...(session.review.model ? { model: session.review.model } : {}) });
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
const takeProgress = ({ decided, waiting, sample, newest, cursor }) =>
  Object.assign(session.review, { decided, waiting, sample, newest, cursor: Math.max(cursor, session.review.cursor ?? 0) });

// Shows a dataset; `first` is the id of the row that the queue is to begin with.
const openReview = async (given, first) => {
  try {
    const review = await host.call("review_open", given);
    const isSameTask = review.task === session.review?.task;
    list.forget(isSameTask);
    session.rows = new Map();
    change({ review, phase: "open", fault: "" });
    if (session.look) await begin(session.look); else queue.resume(isSameTask, first);
    session.look = null;
    if (!review.doubts) prepare();
  } catch (error) {
    change({ phase: "failed", fault: error.message });
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

// Has the rows judged, in a job of the server, then shows the doubtful ones first.
const prepare = async () => {
  const about = reviewed();
  change({ preparing: "Finding out which rows are doubtful…" });
  try {
    await jobOf("prepare_review", about, (share) => change({ preparing: `Finding out which rows are doubtful: ${percent(share)}` }));
    const { doubts } = await host.call("review_open", about);
    if (session.review.dataset !== about.dataset) return;
    session.review.doubts = doubts;
    change({ preparing: null });
    if (queue.mode === "doubt") queue.reorder();
    list.refresh();
  } catch (error) {
    change({ preparing: `Rows are not ordered by doubt: ${error.message}` });
  }
};

// Shows the rows that a call in the chat looked for: as a list, or where there is room for one row alone in the queue.
const begin = (look) => (isInline() ? queue.begin("chosen", look) : (queue.begin("doubt"), openList(look)));

// The rows that a call of find_examples looked for, as conditions; null where it asked for none, or for rows by name.
const lookOf = ({ where = {}, doubt, ids, like }) => {
  const known = ["disagrees", "suspect", "unsure"].includes(doubt);
  if (like || (doubt && !known)) return null;
  if (ids?.length) return { where: {}, ids };
  return Object.keys(where).length || known ? { where, ...(known ? { doubt } : {}) } : null;
};

// The task, dataset or model that a tool's arguments or its answer are about.
const idsIn = (value) => {
  const inner = value?.result ?? value ?? {};
  const found = {};
  for (const name of ["task", "dataset", "model"]) if (typeof inner[name] === "string") found[name] = inner[name];
  return found;
};

// The rows that views share, kept by their ids; `remember` returns the ids in the order of the rows.
const remember = (rows) => { for (const row of rows) session.rows.set(row.id, row); return rows.map((row) => row.id); };
const rowOf = (id) => session.rows.get(id);
