"""What a scenario did, saw and held against its bounds. It fails if one bound was not kept."""


class Report:
    def __init__(self, name, title):
        self.name, self.title = name, title
        self.failures = []
        self._lines = []

    def did(self, text):
        self._lines.append(("did", text))

    def saw(self, text):
        self._lines.append(("saw", text))

    def held(self, bound, kept, found=None):
        """`bound` in words, whether it was kept, and what was found instead (or as proof)."""
        text = bound if found is None else f"{bound}: {found}"
        self._lines.append(("ok" if kept else "FAIL", text))
        if not kept:
            self.failures.append(text)

    def none(self, bound, offenders):
        """Holds that there are none of these; shows the first few."""
        offenders = list(offenders)
        shown = "; ".join(map(str, offenders[:4]))
        self.held(bound, not offenders, f"{len(offenders)} of them: {shown}" if offenders else None)

    def at_most(self, what, measured, limit, unit="", judged=True):
        """A figure and its bound. Where speed is not judged (quick forms) the figure is only shown."""
        text = f"{what}: {measured:.3g}{unit}, bound {limit:.3g}{unit}"
        if not judged:
            self._lines.append(("saw", text + " (not judged in this form)"))
            return
        self._lines.append(("ok" if measured <= limit else "FAIL", text))
        if measured > limit:
            self.failures.append(text)

    @property
    def passed(self):
        return not self.failures

    def text(self):
        lines = [f"{self.name}  {self.title}"]
        lines += [f"  {kind:>4}  {text}" for kind, text in self._lines]
        lines.append(f"  {self.name}: {'passed' if self.passed else 'FAILED'}")
        return "\n".join(lines)
