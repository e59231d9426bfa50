"""The keys of a script call."""


class ScriptKeys:
    """Collects keys, each once; `first` are those whose places the script knows."""

    def __init__(self, first: list[str]) -> None:
        self.all = first
        self._places: dict[tuple[str, ...], int] = {}

    def place(self, *names: str) -> int:
        """Return the place of a key, counted from 1, or of the first of several adjacent keys."""
        if (place := self._places.get(names)) is None:
            place = self._places[names] = len(self.all) + 1
            self.all += names
        return place
