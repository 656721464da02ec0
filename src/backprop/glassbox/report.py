"""What a learner is told: each number judged, the first wrong one with its mistake, and what to do again."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Literal

__all__ = ["Finding", "Report"]

COLUMNS = 80
Verdict = Literal["right", "consequence", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One number of a sheet, judged.

    Attributes
    ----------
    name : str
        As the trace names it.
    given : str or float
        As it was given.
    expected : float
        The right number.
    verdict : {"right", "consequence", "wrong"}
        "consequence": wrong, but it follows from earlier wrong numbers.
    mistake : str or None
        The catalogue's id of what was done wrong; of a consequence, None.
    alternatives : tuple of str
        Other mistakes that explain the number, the likeliest first.
    message : str
        One or two sentences.
    line : str
        For a wrong number, its calculation, with the learner's own numbers where there are any; else empty.
    follows_from : tuple of str
        For a consequence, the wrong numbers that it follows from.
    sure : bool
        Whether nothing else comes near the mistake that is named.
    """

    name: str
    given: Any
    expected: float
    verdict: Verdict
    mistake: str | None = None
    alternatives: tuple[str, ...] = ()
    message: str = ""
    line: str = ""
    follows_from: tuple[str, ...] = ()
    sure: bool = True

    def __str__(self) -> str:
        return f"{self.name} = {self.given}: {self.message}"


@dataclass(frozen=True)
class Report:
    """A sheet, judged. `check` makes it; its text is for the learner.

    Attributes
    ----------
    findings : tuple of Finding
        In the order of calculation.
    conventions : tuple of str
        What was recognised as right though different.
    """

    findings: tuple[Finding, ...]
    conventions: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every number is right."""
        return self.first is None

    @property
    def first(self) -> Finding | None:
        """The first wrong number in the order of calculation, or None."""
        return next((finding for finding in self.findings if finding.verdict == "wrong"), None)

    def of(self, verdict: Verdict) -> list[Finding]:
        """The findings with a verdict."""
        return [finding for finding in self.findings if finding.verdict == verdict]

    def __len__(self) -> int:
        return len(self.findings)

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(self.of(v))} {v}" for v in ("right", "consequence", "wrong") if self.of(v))
        return f"<Report: {counts}>"

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        right, wrong, later = self.of("right"), self.of("wrong"), self.of("consequence")
        total = len(self.findings)
        if not wrong:
            yield "Your number is right." if total == 1 else f"All {total} numbers are right."
            yield from self._seen()
            return
        first, *others = wrong
        if total > 1:
            yield from _wrapped(
                f"{len(right)} of your {total} numbers {'is' if len(right) == 1 else 'are'} right."
                f" The first to look at is {first.name}."
            )
            yield ""
        yield from self._told(first)
        for finding in others:
            yield ""
            again = finding.mistake is not None and finding.mistake == first.mistake
            yield from (_wrapped(f"{finding.name} = {finding.given}: the same again.", 0) if again and
                        finding.message == first.message else self._told(finding))  # fmt: skip
        if later:
            yield ""
            yield from _wrapped("These follow from the above and will be right when you do them again with the new"
                                f" numbers: {', '.join(finding.name for finding in later)}.")  # fmt: skip
        if right:
            yield ""
            yield from _wrapped(f"Right: {', '.join(finding.name for finding in right)}.")
        yield from self._seen()

    def _told(self, finding: Finding) -> Iterator[str]:
        yield from _wrapped(f"{finding.name} = {finding.given}")
        yield from _wrapped(finding.message, 2)
        if finding.line:
            yield from _wrapped(finding.line, 4)

    def _seen(self) -> Iterator[str]:
        if self.conventions:
            yield ""
            yield from _wrapped(
                f"You follow another convention, which is as right: {'; '.join(self.conventions)}."
            )


def _wrapped(text: str, indent: int = 0) -> list[str]:
    space = " " * indent
    return wrap(text, COLUMNS, initial_indent=space, subsequent_indent=space + ("  " if indent == 4 else ""),
                break_long_words=True, break_on_hyphens=False)  # fmt: skip
