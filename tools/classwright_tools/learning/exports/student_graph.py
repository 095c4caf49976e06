"""A student as an ONNX graph: the sum of its tokens' embeddings, and the head; no encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from classwright_tools.learning.exports.onnx_graph import OPSET, WINDOWS
from classwright_tools.learning.student import Student


def save_student(path: Path, student: Student, *, windows: bool) -> None:
    """Write the graph of `student` to `path`; its table is stored in half precision.

    Inputs and output are those of `save_onnx`, but for `token_type_ids`, which it does not need.
    """
    head = student.head
    constants: dict[str, np.ndarray] = {
        "table": student.table.astype(np.float16),
        "weights": np.ascontiguousarray(head.weights.T, np.float32),
        "biases": head.biases.astype(np.float32),
        "last": np.array([-1], np.int64),
        "tokens": np.array([1], np.int64),
    }
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Gather", ["table", "input_ids"], "looked_up", {}),
        ("Cast", ["looked_up"], "embedded", {"to": TensorProto.FLOAT}),
        ("Cast", ["attention_mask"], "mask", {"to": TensorProto.FLOAT}),
        ("Unsqueeze", ["mask", "last"], "column", {}),
        ("Mul", ["embedded", "column"], "masked", {}),
        ("ReduceSum", ["masked", "tokens"], "sums", {"keepdims": 0}),
    ]
    if windows:
        steps += [("Sign", [WINDOWS], "is_of_text", {}), ("MatMul", ["is_of_text", "sums"], "all_sums", {})]
    steps += [
        ("LpNormalization", ["all_sums" if windows else "sums"], "unit", {"axis": 1, "p": 2}),
        ("MatMul", ["unit", "weights"], "products", {}),
        ("Add", ["products", "biases"], "logits", {}),
        ("Softmax", ["logits"], "probabilities", {"axis": 1}),
    ]
    read = "windows_read" if windows else "texts"
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, [read, "length"])
        for name in ("input_ids", "attention_mask")
    ]
    if windows:
        inputs.append(helper.make_tensor_value_info(WINDOWS, TensorProto.FLOAT, ["texts", read]))
    graph = helper.make_graph(
        [helper.make_node(step, given, [made], **how) for step, given, made, how in steps],
        "student",
        inputs,
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["texts", len(head.biases)])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
