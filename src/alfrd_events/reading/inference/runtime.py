"""What an engine has to offer."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Runtime(Protocol):
    """Both models, loaded."""

    characters: list[str]
    """What recognition can tell, by number; the first is no character: it stands between two."""

    def map_of(self, picture: Floats) -> Floats:
        """Say how likely each pixel belongs to a line.

        :param picture: 1 x 3 x height x width.
        :return: height x width.
        """
        ...

    def columns(self, lines: Floats, banned: NDArray[np.bool_] | None) -> tuple[NDArray[np.int64], Floats]:
        """Say what is in each column of lines.

        :param lines: count x 3 x 48 x width.
        :param banned: characters that are not to be told, for each number.
        :return: numbers of characters, and how likely they are: both count x columns.
        """
        ...
