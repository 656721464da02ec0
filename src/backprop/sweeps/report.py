"""What `verify` found, in words."""

from dataclasses import dataclass, field

__all__ = ["Report", "Verdict"]

SHOWN = 8  # of many differences


@dataclass
class Verdict:
    """What training a row again gave.

    Attributes
    ----------
    row : int
    mean, weights_sha256 : float and str, or None
        As the file has them.
    differences : list of str
        What is not as the file says.
    remark : str
        What else there is to say, as that only the score was to be confirmed.
    """

    row: int
    mean: float | None
    weights_sha256: str | None
    differences: list[str] = field(default_factory=list)
    remark: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    @property
    def status(self) -> str:
        """``confirmed``, ``score confirmed``, ``not confirmed`` (where bits are not promised) or ``differs``."""
        if self.ok:
            return "score confirmed" if self.remark else "confirmed"
        return "not confirmed" if self.remark else "differs"

    def __str__(self) -> str:
        if self.ok:
            what = "it fails as before" if self.mean is None else f"mean {self.mean!r}"
            if self.remark:
                what += f"; {self.remark}"
            elif self.weights_sha256 is not None:
                what += f", weights {self.weights_sha256[:12]}"
            return f"row {self.row}: {self.status}, {what}"
        more = len(self.differences) - SHOWN
        lines = [*self.differences[:SHOWN], *([f"and {more} more differences"] if more > 0 else [])]
        lines += [self.remark] if self.remark else []
        return "\n".join([f"row {self.row}: {self.status}", *(f"  {line}" for line in lines)])


@dataclass
class Report:
    """What `verify` found.

    Attributes
    ----------
    differences : list of str
        Of the file, the data, the folds and the preprocessing.
    notes : list of str
        What is different without being wrong, as versions.
    verdicts : list of Verdict
        One for each row that was trained again.
    """

    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything is confirmed."""
        return not self.differences and all(verdict.ok for verdict in self.verdicts)

    def __str__(self) -> str:
        confirmed = sum(verdict.ok for verdict in self.verdicts)
        lines = [*(f"differs: {line}" for line in self.differences), *map(str, self.verdicts)]
        lines += [f"note: {line}" for line in self.notes]
        if self.verdicts:
            end = f"{confirmed} of {len(self.verdicts)} rows confirmed"
        else:
            end = "no row was trained again"
        return "\n".join([*lines, end + ("." if self.ok else ", with the differences above.")])
