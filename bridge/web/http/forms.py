"""Refusals of forms."""

from bridge.core.errors import RequestRefused


class FormRefused(RequestRefused):
    """A form that does not come from this session's own page."""

    status = 403
    advice = "Go back, reload the page and try again. Nothing was changed."
