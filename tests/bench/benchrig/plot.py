"""The results as an SVG that reads on light and dark pages: processor time of a request over the floor's, a panel for
each workload, a bar for each server.
"""

from xml.sax.saxutils import escape

WIDTH, COLUMNS, EDGE = 880, 2, 20
PANEL = (WIDTH - 3 * EDGE) / COLUMNS
NAMES, FIGURES = 96, 44  # room left and right of the bars
BAR, STEP, TITLE, GAP, TOP = 13, 18, 24, 18, 74
MOST = 6.0  # x floor; longer bars are cut, and their figure says so
LONGEST = PANEL - NAMES - FIGURES
SCALE = LONGEST / MOST

HEADLINE = "Processor time of one request"
EXPLANATION = ("as a multiple of one read and one write of the same size, which parse nothing: the dotted line. "
               "Shorter is better.")
STYLE = """
text { font: 12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #424a53 }
.head { font-size: 16px; font-weight: 600; fill: #1f2328 }
.title { font-weight: 600; fill: #1f2328 }
.note { font-size: 11px; fill: #656d76 }
.ours { fill: #1f6feb } .other { fill: #afb8c1 } .ours-figure { font-weight: 600; fill: #1f2328 }
.floor { stroke: #656d76; stroke-dasharray: 2 3 } .cut { stroke: #ffffff; stroke-width: 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #b1bac4 } .head, .title, .ours-figure { fill: #e6edf3 } .note { fill: #8b949e }
  .ours { fill: #388bfd } .other { fill: #57606a } .floor { stroke: #8b949e } .cut { stroke: #0d1117 }
}
"""


def draw(results):
    """SVG text of what tests/bench/run wrote as JSON."""
    parts = []
    ends = [TOP] * COLUMNS
    for title, bars in panels(results):
        column = ends.index(min(ends))
        parts += panel(title, bars, EDGE + column * (PANEL + EDGE), ends[column])
        ends[column] += TITLE + STEP * len(bars) + GAP
    y = max(ends) + 6
    for note in notes(results):
        parts.append(text(EDGE, y, note, "note"))
        y += 15
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}">'
            f'<style>{STYLE}</style>'
            f'{text(EDGE, 28, HEADLINE, "head")}{text(EDGE, 48, EXPLANATION, "note")}{"".join(parts)}</svg>\n')


def panels(results):
    """(title, bars) of each workload that others take part in; what Larder does alone is one more."""
    alone = []
    for entry in results["workloads"].values():
        bars = [(name, one["over_floor"], name == "larder") for name, one in entry["servers"].items()
                if name != "floor" and one["over_floor"]]
        if len(bars) > 1:
            yield entry["title"], sorted(bars, key=lambda bar: bar[1])
        elif bars:
            alone.append((entry["title"], bars[0][1]))
    for title, value in alone:
        yield title, [("larder", value, True)]


def panel(title, bars, x, y):
    zero = x + NAMES
    yield text(x, y + 12, title, "title")
    y += TITLE
    for index, (name, value, is_ours) in enumerate(bars):
        at = y + index * STEP
        length = min(value, MOST) * SCALE
        yield text(zero - 8, at + 11, name, "ours-figure" if is_ours else "", "end")
        yield (f'<rect x="{zero:.1f}" y="{at}" width="{length:.1f}" height="{BAR}" rx="2" '
               f'class="{"ours" if is_ours else "other"}"/>')
        if value > MOST:
            cut = zero + length - 16
            yield f'<line x1="{cut - 3:.1f}" y1="{at + BAR + 2}" x2="{cut + 3:.1f}" y2="{at - 2}" class="cut"/>'
        yield text(zero + length + 6, at + 11, f"{value:.1f}" if value >= 10 else f"{value:.2f}",
                   "ours-figure" if is_ours else "")
    floor = zero + SCALE
    yield (f'<line x1="{floor:.1f}" y1="{y - 3}" x2="{floor:.1f}" y2="{y + len(bars) * STEP - 2}" class="floor"/>')


def notes(results):
    machine = results["machine"]
    yield (f"tests/bench/run, {results['rounds']} rounds of {results['seconds']:g} s: medians. {machine['processor']}, "
           f"{machine['cores']} cores, Linux {machine['kernel']}, {machine['at'][:10]}")
    versions = [version for version in results["versions"].values() if version != "not installed"]
    line = ""
    for version in versions:
        if line and len(line) + len(version) > 125:
            yield line
            line = ""
        line += ("; " if line else "") + version
    yield line


def text(x, y, words, kind="", anchor=""):
    more = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(words)}</text>'
