const BESIDE_A_LABEL = ["flag", "good_example", "edit"], LABELS_OR_GONE = ["accept", "relabel", "remove", "fits_none"];
const hasDone = (row, ...actions) => Boolean(row?.stands?.done.some(([action]) => actions.includes(action)));
// Whether a row is decided: one without a label that was only marked, or has a new text, is not.
const isSettled = (row) => Boolean(row?.stands) && (labelsOf(row) !== undefined || hasDone(row, ...LABELS_OR_GONE));

// How a row stands after a decision: a label and a removal take the place of each other, and all else stays beside them.
const standsAfter = (before, { id, action, label, labels, text, text_pair }) => {
  const says = LABELS_OR_GONE.includes(action), gone = action === "edit" ? ["edit", "remove"] : says ? [...LABELS_OR_GONE, ...(action === "remove" ? ["edit"] : [])] : [action];
  const kept = (before?.done ?? []).filter(([one]) => !gone.includes(one));
  return { ...before, ...(says ? { label, labels } : {}), ...(text === undefined ? {} : { text, text_pair }), id, action, person: me(), done: [...kept, [action, me()]] };
};

// The marks: decisions, shown at once and sent in batches until the server has stored them. None is given up.
const marks = (() => {
  const SEND_AFTER_MS = 400, BATCH = 200, REFUSALS = 3, AGAIN_MS = [500, 1_000, 2_000, 5_000];
  let unsent = [], sending = null, timer = 0, failures = 0, most = BATCH, turn = Promise.resolve();
  const done = []; // what this person decided here, for undoing: the decision's id, the row's, what stood before, whether the classifier had said so
  const undone = new Map(); // of those that were taken back, by the id of the undo: what stood until then, too
  let from = 0; // of these the first one since the review was opened

  const later = (ms) => { clearTimeout(timer); timer = setTimeout(send, ms); };

  // The next decisions that are about one version of the dataset.
  const nextBatch = () => {
    const other = unsent.findIndex((one) => one.about.dataset !== unsent[0].about.dataset);
    return unsent.slice(0, Math.min(most, other < 0 ? unsent.length : other));
  };

  // Sends the next batch; what came meanwhile follows a little later, so that a fast hand makes few calls.
  const send = () => {
    sending ??= (async () => {
      if (!unsent.length) return;
      const batch = nextBatch();
      try {
        const answer = await host.call("review_decide", { ...batch[0].about, ...asMe(), decisions: batch.map((one) => one.decision) });
        unsent = unsent.slice(batch.length);
        settle(answer, batch);
        failures = 0;
        most = BATCH;
        later(unsent.length < BATCH ? SEND_AFTER_MS : 0);
      } catch (error) {
        failures += 1;
        if (error.refused && most === 1 && failures > REFUSALS) { // this one alone cannot be taken
          unsent = unsent.slice(1);
          refuse(batch[0].decision.id, error.message);
          failures = 0;
        }
        if (error.refused) most = 1; // so that the others do not fail with it
        const note = failures ? `${counted(unsent.length, "decision waits", "decisions wait")} to be stored: ${error.message}` : "";
        change({ unsent: unsent.length, ...(error.refused && { note }) }); // a server that is away is told of beside what was said
        later(AGAIN_MS[Math.min(failures, AGAIN_MS.length) - 1] ?? 0);
      }
    })().finally(() => { sending = null; });
    return sending;
  };

  const settle = (answer, batch) => {
    const { about } = batch[0];
    for (const { id, reason } of answer.refused) {
      const { decision } = batch.find((one) => one.decision.id === id);
      if (answer.saved.includes(id)) turn = turn.then(() => takeBack(decision, about)); else refuse(id, reason);
    }
    hear(answer, about);
    if (failures) say(""); // what waited is stored now
  };

  // Takes in what others did: how each of their rows stands now. What is on its way from here is newer, and of a dataset that is no longer shown nothing is told.
  const hear = (answer, about) => {
    if (!isReviewed(about)) return change({ unsent: unsent.length });
    const ours = new Set(unsent.flatMap(({ rows }) => rows));
    const stand = (id, decision) => { const row = rowOf(id); if (row && !ours.has(id)) row.stands = decision; };
    for (const { rows, ...decision } of answer.others) for (const id of rows) stand(id, decision);
    for (const id of answer.undecided) stand(id, undefined);
    takeProgress(answer);
    const left = answer.others_left && `${counted(answer.others_left, "decision of others is", "decisions of others are")} not marked here: reload to see them.`;
    change({ unsent: unsent.length, ...(left ? { note: left } : {}) });
  };

  // A decision that the server does not take: said until the person has read it, since the row is long gone from the eye.
  const refuse = (id, reason) => {
    const { row } = undone.get(id) ?? done.find((one) => one.id === id) ?? {};
    revert(id);
    session.refused = [...session.refused, { row, reason }];
  };

  // Takes back what a version has: a further version is without it, and its row is shown.
  const takeBack = async ({ id, undoes }, about) => {
    say("Taking back a saved decision…");
    try {
      const task = about.dataset.replace(/-d\d+$/, ""), made = await jobOf("undo_decision", { task, person: me(), id, undoes });
      await goOnWith(task, made, made.first);
    } catch (error) {
      refuse(id, error.message);
    }
  };

  // Lets what was done here not have been: a decision, or that one was taken back.
  const revert = (id) => {
    const back = undone.get(id), at = done.findIndex((one) => one.id === id);
    if (back) done.push(back);
    const { row, before } = back ?? (at < 0 ? {} : done.splice(at, 1)[0]), shown = rowOf(row);
    if (back && shown?.stands === before) shown.stands = back.stood;
    else if (shown?.stands?.id === id) shown.stands = before;
    for (const [undo, one] of undone) if (one.id === id) undone.delete(undo); // what was never stored does not come back
  };

  const put = (decision, rows) => {
    unsent.push({ about: reviewed(), decision, rows });
    session.unsent = unsent.length;
    if (unsent.length === 1) later(SEND_AFTER_MS); // the next ones do not put it off
    if (unsent.length === BATCH) later(0);
  };

  // Whether the classifier gives the labels that a decision says; undefined where there is nothing to compare.
  const isRight = (row, { action, label, labels }) => {
    const said = labels ?? (label ? [label] : row.labels ?? [row.label]);
    return row.guesses && !isSettled(row) && ["accept", "relabel"].includes(action) ? sameSet(said, givenTo(row)) : undefined;
  };

  return {
    begin: () => { from = done.length; },
    // In how many rows that a person labelled the classifier gives the same labels.
    get record() {
      const { rows, same } = session.review.agreement ?? { rows: 0, same: 0 }, ours = done.slice(from).filter(({ right }) => right !== undefined);
      return { rows: rows + ours.length, same: same + ours.filter(({ right }) => right).length };
    },
    // Decides about one row: `what` has the action and what goes with it.
    decide: (id, what) => {
      const row = rowOf(id), decision = { id: newId(), rows: [id], heard: Math.max(row?.heard ?? 0, session.review.cursor ?? 0), ...what };
      done.push({ id: decision.id, row: id, before: row.stands, right: isRight(row, what) });
      row.stands = standsAfter(row.stands, decision);
      put(decision, [id]);
      change({ note: "" });
    },
    // Takes back what was decided last, and returns the row that it was about.
    undo: () => {
      const last = done.pop();
      if (!last) return say("Nothing to undo here; the history has earlier decisions."), null;
      const row = rowOf(last.row), id = newId();
      undone.set(id, { ...last, stood: row?.stands });
      if (row) row.stands = last.before;
      put({ id, action: "undo", undoes: last.id }, [last.row]);
      say("Undone.");
      return last.row;
    },
    undoById: (id) => { put({ id: newId(), action: "undo", undoes: id }, []); say("Undone."); return marks.flush(); },
    // Puts the name of now on what was decided here and waits to be saved.
    sign: () => { if (done.length) put({ id: newId(), action: "sign" }, []); },
    // Asks what others did meanwhile; an answer to a decision tells it too.
    listen: async () => {
      if (unsent.length) return;
      const about = reviewed();
      hear(await host.call("review_news", { ...about, ...asMe() }), about);
    },
    // Sends what waits by now, at once; what fails is tried again later, by a timer that nothing else may take away.
    flush: async () => {
      const last = unsent.at(-1);
      clearTimeout(timer);
      if (last) do await send(); while (unsent.includes(last) && !failures);
      if (sending) await sending;
    },
    get count() { return unsent.length; },
  };
})();
