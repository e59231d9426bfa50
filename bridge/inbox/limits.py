"""One refusal for all of the inbox's limits."""

from bridge.core.errors import RequestRefused


class LimitReached(RequestRefused):
    """There is as much of something as may be; the advice says what makes room."""

    def __init__(self, reached: str, *, advice: str, status: int = 409) -> None:
        super().__init__(f"{reached}, the most allowed", advice=advice)
        self.status = status
