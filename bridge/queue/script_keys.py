"""The keys of a script, each once, and where each stands among them."""


class ScriptKeys:
    """Gathers them; `first` are those whose places the script knows."""

    def __init__(self, first: list[str]) -> None:
        self.all = first
        self._places: dict[tuple[str, ...], int] = {}

    def place(self, *names: str) -> int:
        """The place of a key, as Lua counts, or of the first of some that stand in a row."""
        if (place := self._places.get(names)) is None:
            place = self._places[names] = len(self.all) + 1
            self.all += names
        return place
