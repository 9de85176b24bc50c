"""Every log line of Airflow goes through the masks of hub.masking: those of tasks, of its components, of any library in them.

Airflow masks the secrets it was told of, and no pattern (its own proposal for patterns, pull request 70956, is open). All its
loggers, structlog's and the standard library's, end in one last step that makes the line; `structlog_processors` hands that out in
two copies of one module. We put ours around it. To be given up when Airflow takes patterns.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from types import ModuleType
from typing import Any

from hub.masking import masked_part, masked_text, print_masked

MODULES = ("airflow._shared.logging.structlog", "airflow.sdk._shared.logging.structlog")
MAKER, MARK = "structlog_processors", "masks_numbers"

Writer = Callable[[Any, str, Any], Any]


def mask_airflow_logs() -> None:
    """Mask every line that is logged from now on; before Airflow sets its logging up. A second call changes nothing."""
    for name in MODULES:
        module = import_module(name)
        if not hasattr(getattr(module, MAKER), MARK):
            _wrap(module)
    sys.excepthook = print_masked


def _wrap(module: ModuleType) -> None:
    make = getattr(module, MAKER)

    @wraps(make)
    def masking(*words: Any, **options: Any) -> Any:
        shared, for_stdlib, for_structlog = make(*words, **options)
        return shared, _masking(for_stdlib), _masking(for_structlog)

    masking.cache_clear = make.cache_clear  # type: ignore[attr-defined]
    setattr(masking, MARK, True)
    make.cache_clear()
    setattr(module, MAKER, masking)


def _masking(write: Writer) -> Writer:
    """The last step of a line: its parts are masked one by one, so that JSON stays JSON, then the line as it was written."""

    def mask(logger: Any, method: str, event: Any) -> Any:
        parts = {
            key: value if key.startswith("_") or key == "exc_info" else masked_part(key, value)
            for key, value in event.items()
        }
        line = write(logger, method, parts)
        return (
            masked_text(line.decode("utf-8", "replace")).encode() if isinstance(line, bytes) else masked_text(str(line))
        )

    return mask
