"""The log: one event a line, for people or as JSON, always to standard output.

Words from outside stand in it: control characters in them are escaped, so that nobody writes lines of their
own. A traceback has more lines than one; for people they are indented, so that none looks like an event.
"""

import asyncio
import logging
import sys
import traceback
import warnings
from datetime import UTC, datetime
from typing import Any, BinaryIO, ClassVar, TextIO

import orjson
import structlog

from bridge.core.printable import printable

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


log = structlog.get_logger()


class _Short:
    """Where such lines go as JSON; None: the long way."""

    output: BinaryIO | None = None
    lines: ClassVar[list[bytes]] = []
    """Of this turn of the event loop: they are written together."""


def often(event: str, **fields: object) -> None:
    """A line that every delivery has; JSON by a shorter way than others, since deliveries wait for it."""
    if _Short.output is None:
        log.info(event, **fields)
        return
    more = {"event": event, "level": "info", "timestamp": datetime.now(UTC)}
    line = _json(fields | more)
    if not line.isascii() or b"\x7f" in line or b"\\" in line:
        # Only then is there anything to escape.
        line = _json({name: _harmless(value) for name, value in fields.items()} | more)
    if not _Short.lines:
        asyncio.get_running_loop().call_soon(_write, _Short.output)
    _Short.lines.append(line)


def _json(fields: dict[str, object]) -> bytes:
    return orjson.dumps(fields, default=repr, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)


def _write(output: BinaryIO) -> None:
    text = b"".join(_Short.lines)
    _Short.lines.clear()
    output.write(text)
    output.flush()


def _harmless(value: object) -> object:
    """A value that holds no control character, at any depth."""
    if isinstance(value, str):
        return printable(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, list | tuple):
        return [_harmless(one) for one in value]
    if isinstance(value, dict):
        return {printable(str(name)): _harmless(one) for name, one in value.items()}
    return printable(repr(value))


def _escape(_: Any, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """What stands in a line, but for exceptions, whose traceback has lines of its own."""
    for name, value in event.items():
        if name in _TRACEBACKS:
            event[name] = _lines(value) if isinstance(value, str) else value
        else:
            event[name] = _harmless(value)
    return event


_TRACEBACKS = frozenset({"exc_info", "exception", "stack"})


def _lines(text: str, indent: str = "") -> str:
    return "\n".join(indent + printable(line) for line in text.rstrip("\n").split("\n"))


def _indented(output: TextIO, exc_info: structlog.types.ExcInfo) -> None:
    # Not structlog's: it shows local variables, tokens among them.
    output.write("\n" + _lines("".join(traceback.format_exception(*exc_info)), indent="    "))


def configure(*, level: str, log_format: str) -> None:
    """Set up the log for the whole process; `level` and `log_format` as in the settings."""
    # PyJWT's: Flowdock chooses its secret's length, not we.
    warnings.filterwarnings("ignore", message="The HMAC key is ")
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(serializer=orjson.dumps)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(),
            exception_formatter=_indented,
        )
    )
    if log_format == "json":
        shared.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, _escape, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=(
            structlog.BytesLoggerFactory(sys.stdout.buffer)
            if log_format == "json"
            else structlog.PrintLoggerFactory(sys.stdout)
        ),
        cache_logger_on_first_use=True,
    )
    # The standard library's handler writes text.
    foreign = structlog.processors.JSONRenderer() if log_format == "json" else renderer
    short = log_format == "json" and _LEVELS[level] <= logging.INFO
    _Short.output = sys.stdout.buffer if short else None
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _escape, foreign],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(_LEVELS[level], logging.WARNING), force=True)
