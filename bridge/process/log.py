"""The log: one event a line, for people or as JSON.

Lines hold text from outside. Control characters in it are escaped, so that nobody can forge a line. In the
console format a traceback spans several lines: they are indented, so that none looks like an event.
"""

import logging
import sys
import traceback
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson
import structlog
from structlog.types import EventDict, ExcInfo, Processor

from bridge.core.printable import printable

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_TRACEBACKS = frozenset({"exc_info", "exception", "stack"})
_DELETE, _BACKSLASH = 0x7F, 0x5C
_MAX_INTEGER = 2**63
"""Larger ones have no place in orjson's JSON."""


def configure(*, level: str, log_format: str, output: TextIO | None = None) -> None:
    """Set up the log for the whole process; `level` and `log_format` as in the settings."""
    output = output or sys.stdout
    # PyJWT warns of the length of Flowdock's secret, which Flowdock chooses.
    warnings.filterwarnings("ignore", message="The HMAC key is ")
    as_json = log_format == "json" or (log_format == "auto" and not output.isatty())
    processors = _json() if as_json else _console(colors=output.isatty())
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=(
            structlog.BytesLoggerFactory(output.buffer) if as_json else structlog.PrintLoggerFactory(output)
        ),
        cache_logger_on_first_use=True,
    )
    # Libraries log by the standard library, whose handler writes text.
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *processors, _text]
        )
    )
    logging.basicConfig(handlers=[handler], level=max(_LEVELS[level], logging.WARNING), force=True)


def repeated(event: str, **always: object) -> Callable[..., None]:
    """Make the function that logs one event at level info, without structlog's own steps for each line."""
    if not structlog.get_logger().bind().is_enabled_for(logging.INFO):
        return lambda **_: None
    configuration = structlog.get_config()
    processors, write = configuration["processors"], configuration["logger_factory"]().info

    def log(**values: object) -> None:
        line: Any = {**always, **values, "event": event}
        try:
            for process in processors:
                line = process(None, "info", line)
        except structlog.DropEvent:
            return
        write(line)

    return log


def _console(*, colors: bool) -> list[Processor]:
    renderer = structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=indented)
    stamp = structlog.processors.TimeStamper(fmt="iso")
    return [structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, stamp, _escape, renderer]


def indented(output: TextIO, exc_info: ExcInfo) -> None:
    """Write a traceback, each line indented."""
    # structlog's own formatter shows local variables, tokens among them.
    output.write("\n" + _lines("".join(traceback.format_exception(*exc_info)), indent="    "))


def _json() -> list[Processor]:
    return [structlog.contextvars.merge_contextvars, _json_line]


def _json_line(logger: Any, method: str, event: EventDict) -> bytes:
    event["level"] = method
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(logger, method, event)
    event["timestamp"] = datetime.now(UTC)
    try:
        line = _dump(event)
    except TypeError:
        return _dump(_escape(logger, method, event))
    # Numbers: to look for bytes, Python first takes them for a number, and fails.
    if line.isascii() and _DELETE not in line and _BACKSLASH not in line:
        return line
    # Only now is there anything to escape: to look at each value costs more than to write it.
    return _dump(_escape(logger, method, event))


def _text(_: Any, __: str, line: Any) -> str:
    return line.decode() if isinstance(line, bytes) else line


def _dump(event: EventDict) -> bytes:
    return orjson.dumps(event, default=repr, option=orjson.OPT_UTC_Z)


def _escape(_: Any, __: str, event: EventDict) -> EventDict:
    """Escape all values but tracebacks, which keep their lines."""
    for name, value in event.items():
        if name in _TRACEBACKS:
            event[name] = _lines(value) if isinstance(value, str) else value
        elif not isinstance(value, datetime):
            event[name] = _harmless(value)
    return event


def _lines(text: str, indent: str = "") -> str:
    return "\n".join(indent + printable(line) for line in text.rstrip("\n").split("\n"))


def _harmless(value: object) -> object:
    """Escape control characters in a value, at any depth."""
    if isinstance(value, str):
        return printable(value)
    if value is None or isinstance(value, float) or (isinstance(value, int) and abs(value) < _MAX_INTEGER):
        return value
    if isinstance(value, list | tuple):
        return [_harmless(one) for one in value]
    if isinstance(value, dict):
        return {printable(str(name)): _harmless(one) for name, one in value.items()}
    return printable(repr(value))
