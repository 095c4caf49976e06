"""Arguments out of a tool's own JSON schema: mostly what it asks for, with nasty values in every place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from support.hostile import LEADING_ELSEWHERE, ORDER, UNSEEN

Schema = Mapping[str, Any]

NASTY = (
    *LEADING_ELSEWHERE, ORDER, UNSEEN, "", " ", "\n", "\t", "\r\n", "null", "true", "0", "-1", "1e999", "NaN",
    "<script>alert(1)</script>", "{{7*7}}", "{0.__class__}", "%s%s%n", "'; DROP TABLE tasks; --", "$(id)",
    "`id`", "__proto__", "constructor", "\ufffd", "\ufffe", "\U0010ffff", "e\u0301" * 50, "\u0600" * 300,
    "x" * 20_000, "a" * 100 + "!", "(" * 500, "[" * 500, '{"a":' * 200, "=1+1", "@SUM(A1)", "support", "support-d1",
    "support-t1", "support-a1", "support-m1", "support-d999999999", "jobs", "principals", "cache", "refund", "b1", "en",
    "job_00",
)  # fmt: skip
# What the prepared workspace has, so that calls get further than the look-up of a name.
KNOWN = ("support", "support-d1", "support-t1", "support-a1", "b1", "refund", "en", "0", "no/such", "support-m1", "x1")
WORDS = ("text", "label", "rows.jsonl", "refund", "delivery", "I want my money back for the lamp", "where is my parcel")
ODD = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**30, 1e308, -1e308, 0.1, -0.0, [], {}, [[]], [{}],
    {"": ""}, [None], {"a": {"b": {"c": []}}},
)  # fmt: skip


def one_of_these(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    """One of the values; hypothesis would write all of them into each of its own messages."""
    return st.integers(0, len(values) - 1).map(values.__getitem__)


nasty = one_of_these(NASTY) | st.text(max_size=30)
odd = one_of_these(ODD) | nasty | st.lists(nasty, max_size=3) | st.dictionaries(nasty, nasty, max_size=2)


def calls(properties: Mapping[str, Schema], required: list[str], defs: Mapping[str, Schema]) -> st.SearchStrategy[Any]:
    """Arguments for a tool with these properties: half of them fit, the others are wrong in all ways."""
    fitting = _arguments(properties, required, _Values(defs, spiced=False))
    spiced = _arguments(properties, required, _Values(defs, spiced=True))
    spoilt = st.builds(_spoilt, fitting, st.sampled_from([*properties, "", "extra"]), odd, st.booleans())
    return fitting | fitting | spiced | spoilt


def _arguments(properties: Mapping[str, Schema], required: list[str], values: _Values) -> st.SearchStrategy[Any]:
    """What is required, and up to three others: those of a tool often exclude each other."""
    made = {name: values.of(schema) for name, schema in properties.items()}
    if "wait_seconds" in made:  # the jobs go on by themselves
        made["wait_seconds"] = st.sampled_from((0, -1, 51, "1", None)) if values.spiced else st.just(0)
    always = {name for name in made if name in required or name == "wait_seconds"}
    others = sorted(set(made) - always)
    chosen = st.lists(st.sampled_from(others), max_size=3, unique=True) if others else st.just([])
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: made[name] for name in sorted({*always, *names})}))


def _spoilt(arguments: dict[str, Any], name: str, value: Any, drop: bool) -> dict[str, Any]:
    """Return the arguments without one, or with another value for one."""
    spoilt = {**arguments, name: value}
    if drop or name == "wait_seconds":
        del spoilt[name]
    return spoilt


class _Values:
    """Values by schema; `spiced` ones are often just beside what it asks for."""

    def __init__(self, defs: Mapping[str, Schema], *, spiced: bool) -> None:
        self._defs = defs
        self.spiced = spiced

    def of(self, schema: Schema) -> st.SearchStrategy[Any]:
        """Return what a schema asks for."""
        if "$ref" in schema:
            return self.of(self._defs[schema["$ref"].rpartition("/")[2]])
        if "anyOf" in schema:
            return st.one_of([self.of(one) for one in schema["anyOf"]])
        if "enum" in schema:
            return st.sampled_from(schema["enum"]) | (nasty if self.spiced else st.nothing())
        if "const" in schema:
            return st.just(schema["const"])
        kinds: dict[str, Callable[[Schema], st.SearchStrategy[Any]]] = {
            "string": self._string, "integer": self._integer, "number": self._number, "array": self._array,
            "object": self._object, "boolean": lambda _: st.booleans(), "null": lambda _: st.none(),
        }  # fmt: skip
        return kinds[schema["type"]](schema)

    def _string(self, schema: Schema) -> st.SearchStrategy[Any]:
        least, most = schema.get("minLength", 0), schema.get("maxLength", 10**6)
        if "pattern" in schema:
            known = [name for name in KNOWN if re.search(schema["pattern"], name)]
            return st.sampled_from(known) if known and not self.spiced else st.from_regex(schema["pattern"]) | nasty
        if self.spiced:
            return nasty
        return st.sampled_from(WORDS) | nasty.filter(lambda text: least <= len(text) <= most)

    def _integer(self, schema: Schema) -> st.SearchStrategy[Any]:
        low, high = schema.get("minimum", 0), schema.get("maximum", 10**6)
        return st.sampled_from((low - 1, high + 1, 2**70)) if self.spiced else st.integers(low, min(high, low + 9))

    def _number(self, schema: Schema) -> st.SearchStrategy[Any]:
        low, high = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 0.1), schema.get("maximum", 1e6)
        return st.sampled_from((low - 1, high + 1, 1e308)) if self.spiced else st.floats(low, high)

    def _array(self, schema: Schema) -> st.SearchStrategy[Any]:
        items = self.of(schema["items"])
        least, most = schema.get("minItems", 0), schema.get("maxItems", 6)
        if self.spiced:
            return st.lists(items, max_size=3) | st.sampled_from(("x", 1, {})).map(lambda item: [item] * (most + 1))
        return st.lists(items, min_size=least, max_size=min(most, least + 2))

    def _object(self, schema: Schema) -> st.SearchStrategy[Any]:
        properties = schema.get("properties")
        if properties is None:
            values = self.of(schema.get("additionalProperties") or {"type": "string"})
            names = self.of(schema["propertyNames"]) if "propertyNames" in schema else nasty
            least = 0 if self.spiced else schema.get("minProperties", 0)
            return st.dictionaries(names, values, min_size=least, max_size=2 if self.spiced else max(1, least))
        made = {name: self.of(one) for name, one in properties.items()}
        needed = {name: made.pop(name) for name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional=made)
