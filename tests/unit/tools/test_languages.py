"""The path of rows in other languages than English: nothing of a text or of a label's name is lost or changed on it."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from itertools import count

import pytest

from classwright_tools.classify import ClassifyRequest, classify
from classwright_tools.context import ToolContext
from classwright_tools.domain.excerpt import counted
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.find_examples import FindExamplesRequest, find_examples
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.propose_topics import ProposeTopicsRequest, propose_topics
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import read_rows

TEXTS = {
    "de": {
        "Rückgabe": (
            "Ich möchte mein Geld zurück.",
            "Zweimal abgebucht, bitte erstatten!",
            "Die Größe passt nicht, zurück damit",
        ),
        "Zustellung": (
            "Wo bleibt mein Päckchen?",
            "Das Paket ging an die falsche Straße.",
            "Seit Tagen kein Bote hier",
        ),
    },
    "es": {
        "devolución": (
            "Quiero que me devuelvan el dinero.",
            "¡Me cobraron dos veces!",
            "La talla no es, lo devuelvo mañana",
        ),
        "envío": ("¿Dónde está mi paquete?", "El envío llegó a otra dirección.", "Llevo días esperando al repartidor"),
    },
    "ar": {
        "استرداد": ("أريد استرداد أموالي.", "خصمتم المبلغ مرتين!", "المقاس غير مناسب وسأعيده غدًا"),
        "توصيل": ("أين طردي؟", "وصل الطرد إلى عنوان آخر.", "أنتظر المندوب منذ أيام"),
    },
    "hi": {
        "धनवापसी": ("मुझे मेरे पैसे वापस चाहिए।", "दो बार पैसे कट गए!", "आकार ठीक नहीं है, मैं इसे लौटा दूँगा"),
        "वितरण": ("मेरा पार्सल कहाँ है?", "पार्सल दूसरे पते पर चला गया।", "कई दिनों से इंतज़ार कर रहा हूँ"),
    },
    "zh": {
        "退款": ("请把钱退给我。", "你们扣了我两次款。", "尺寸不合适。我明天退货"),
        "配送": ("我的包裹在哪里。", "包裹送到了别的地址。", "我等快递员等了好几天"),
    },
}


@pytest.mark.parametrize("language", TEXTS)
def test_texts_and_labels_are_imported_found_edited_trained_on_and_answered_as_they_were(
    context: ToolContext, language: str
) -> None:
    calls = count()

    def step() -> ToolContext:
        return replace(context, run_key=f"{language}-{next(calls)}")

    rows = [(text, label) for label, texts in TEXTS[language].items() for text in texts]
    labels = [{"name": name} for name in TEXTS[language]]
    asked = {"task": "shop", "instruction": rows[0][0], "labels": labels, "languages": [language]}
    propose_topics(ProposeTopicsRequest.model_validate(asked), step())
    decomposed = [{"text": unicodedata.normalize("NFD", text), "label": label} for text, label in rows]
    given = {"task": "shop", "split": "train", "rows": [*({"text": t, "label": n} for t, n in rows), *decomposed]}

    imported = import_examples(ImportExamplesRequest.model_validate(given), step())

    assert imported.summary.startswith(f"{len(rows)} of {counted(2 * len(rows), 'row')} were imported")
    stored = read_rows(context.workspace, imported.dataset or "", "train")
    assert [(row.text, row.label) for row in stored] == rows
    words = rows[-1][0][:6]
    found = find_examples(FindExamplesRequest.model_validate({"task": "shop", "where": {"text": words}}), step())
    assert [row.text for row in found.rows] == [rows[-1][0]]

    change = {"action": "rename_label", "label": rows[0][1], "to": f"{rows[0][1]} 2"}
    renamed = {"task": "shop", "reason": rows[1][0], "changes": [change]}
    edited = edit_examples(EditExamplesRequest.model_validate(renamed), step())
    assert read_rows(context.workspace, edited.dataset or "", "train")[0].label == f"{rows[0][1]} 2"
    model = train_classifier(TrainClassifierRequest(task="shop", method="probe"), step()).model
    answers = classify(ClassifyRequest(model=model, texts=tuple(text for text, _ in rows), threshold=0.0), step())

    assert {answer.label for answer in answers.results} <= {f"{rows[0][1]} 2", rows[-1][1]}
