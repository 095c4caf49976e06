"""The topic tree, from which variety comes: source types, and topics and subtopics for each label."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from classwright_tools.domain.noun import LabelsName, Noun, Plain, Slug, Text

Phrase = Annotated[str, Plain, Field(min_length=1, max_length=300)]


class Cell(Noun):
    """One (label, topic, subtopic, source type): what one request to a writer is about.

    A contrast text has no place in the tree: it is grounded on the neighbour it resembles, and its topic is None. Nor
    has the query of a pair, which is grounded on its item. In a multi-label task `label` names all labels that the
    text is to have, "one|other" for two and "|" for none.
    """

    label: LabelsName
    topic: Phrase | None = None
    subtopic: Phrase | None = None
    source_type: Phrase | None = None
    item: Text | None = Field(default=None, description="Of a pair task: the item to write a query for.")


class Topic(Noun):
    """A topic of one label, and its subtopics."""

    name: Phrase = Field(description="A theme within the label, in a few words.")
    subtopics: tuple[Phrase, ...] = Field(min_length=1, max_length=20, description="Concrete situations in the topic.")


class LabelTopics(Noun):
    """The topics of one label."""

    label: LabelsName = Field(description="One of the task's labels; '|' for texts with none of them.")
    topics: tuple[Topic, ...] = Field(min_length=1, max_length=20, description="What its texts are about.")


class TopicTree(Noun):
    """The source types and the labels' topics; its cells are what `synthesize_examples` fills.

    A tree may lack labels while the calling model sends them one by one.
    """

    task: Slug
    source_types: tuple[Phrase, ...] = Field(min_length=1, max_length=20)
    labels: tuple[LabelTopics, ...] = Field(min_length=1)
    remarks: tuple[str, ...] = Field(default=(), description="What the writer left smaller than asked, and why.")

    def cells(self) -> tuple[Cell, ...]:
        """Every (label, topic, subtopic, source type), in the tree's order."""
        return tuple(
            Cell(label=branch.label, topic=topic.name, subtopic=subtopic, source_type=source_type)
            for branch in self.labels
            for topic in branch.topics
            for subtopic in topic.subtopics
            for source_type in self.source_types
        )
