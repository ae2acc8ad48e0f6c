"""Settings of the duplicate search."""

from __future__ import annotations

import msgspec

from or1_data.errors import ConfigError


class DedupSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two statements are near duplicates if the Jaccard similarity of their token 5-grams is at least `threshold`.

    25 bands of 5 rows find all but one or two in a thousand pairs at 0.7 on real sets; `exact` finds all, by a join
    that takes longer. Either way every pair is counted exactly before it is used.
    """

    threshold: float = 0.7
    """Least similarity of near duplicates, from 0.3 to 1."""
    ngram: int = 5
    """Tokens of the pieces that are compared, from 1 to 16."""
    bands: int = 25
    """Bands of the search, from 1 to 256; more find more and take longer."""
    rows: int = 5
    """Hashes per band, from 1 to 16."""
    exact: bool = False
    """Find all pairs, by a join without hashing."""
    priority: tuple[str, ...] = ()
    """Sources in the order in which their copy is preferred; the rest follow in alphabetical order."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if not 0.3 <= self.threshold <= 1.0:
            raise ConfigError(f"dedup.threshold must be between 0.3 and 1, not {self.threshold}")
        if not (1 <= self.ngram <= 16 and 1 <= self.bands <= 256 and 1 <= self.rows <= 16):
            raise ConfigError("dedup: need 1 <= ngram <= 16, 1 <= bands <= 256, 1 <= rows <= 16")
