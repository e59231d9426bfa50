"""The keys of a script, each once, and where each stands among them."""


class Places:
    """Gathers them; `first` are those whose places the script knows."""

    def __init__(self, first: list[str]) -> None:
        self.keys = first
        self._places: dict[str, int] = {}

    def of(self, key: str) -> int:
        """The place of a key, as Lua counts."""
        if (place := self._places.get(key)) is None:
            self.keys.append(key)
            place = self._places[key] = len(self.keys)
        return place
