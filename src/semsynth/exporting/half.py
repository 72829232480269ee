"""ONNX files of half the size: weights held in float16, computed with in float32."""

from __future__ import annotations

from typing import Any

import numpy as np

LEAST = 1024  # numbers; smaller tensors, such as biases, stay as they are


def hold_in_half(model: Any) -> None:
    """Hold the large float32 weights of an `onnx.ModelProto` in float16, each behind a cast to float32, in place.

    Runtimes fold the casts away when they load the file, so that a picture takes as long as before. A weight beyond
    float16's range becomes infinite: compare the outputs.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for weight in model.graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < LEAST:
            continue
        name = weight.name
        with np.errstate(over="ignore"):
            values = numpy_helper.to_array(weight).astype(np.float16)
        weight.CopyFrom(numpy_helper.from_array(values, f"{name}_half"))
        casts.append(helper.make_node("Cast", [weight.name], [name], name=f"{name}_cast", to=TensorProto.FLOAT))
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)
