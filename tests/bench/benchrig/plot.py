"""The results as an SVG: processor time of each server over the floor's, a group of bars for each workload."""

from xml.sax.saxutils import escape

COLOURS = {"larder": "#1b6ca8", "nginx": "#7aa874", "haproxy": "#c9a227", "varnish": "#b5651d",
           "trafficserver": "#8e7cc3", "srcache": "#5f9ea0", "django": "#a04668"}
BAR, GAP, LEFT, WIDTH, TOP = 15, 14, 250, 860, 50


def draw(results):
    """SVG text of what tests/bench/run wrote as JSON."""
    groups = [(entry["title"], [(name, one["over_floor"]) for name, one in entry["servers"].items()
                                if name != "floor" and one["over_floor"]])
              for entry in results["workloads"].values()]
    groups = [(title, bars) for title, bars in groups if bars]
    # One bar far longer than the rest (Django's) is cut, and says so by its number.
    values = sorted(value for _, bars in groups for _, value in bars) or [1.0]
    most = min(values[-1], 3 * values[len(values) // 2])
    scale = (WIDTH - LEFT - 90) / most
    parts, y = [], TOP
    for title, bars in groups:
        parts.append(f'<text x="8" y="{y + 12}" font-weight="bold">{escape(title)}</text>')
        for name, value in bars:
            length = min(value, most) * scale
            parts.append(f'<text x="{LEFT - 6}" y="{y + 12}" text-anchor="end">{escape(name)}</text>'
                         f'<rect x="{LEFT}" y="{y + 1}" width="{length:.1f}" height="{BAR - 3}" '
                         f'fill="{COLOURS.get(name, "#888")}"/>'
                         f'<text x="{LEFT + length + 5:.1f}" y="{y + 12}">{value:.2f}</text>')
            y += BAR
            title = ""
        y += GAP
    floor = LEFT + scale
    parts.append(f'<line x1="{floor:.1f}" y1="{TOP - 4}" x2="{floor:.1f}" y2="{y - GAP}" stroke="#333" '
                 f'stroke-dasharray="3 3"/>')
    machine = results["machine"]
    notes = [f"{machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}, {machine['at']}",
             *(f"{name}: {version}" for name, version in results["versions"].items())]
    for note in notes:
        parts.append(f'<text x="8" y="{y + 12}" fill="#555">{escape(note)}</text>')
        y += BAR
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 10}" '
            f'viewBox="0 0 {WIDTH} {y + 10}" font-family="sans-serif" font-size="11">'
            f'<rect width="100%" height="100%" fill="#fff"/>'
            f'<text x="8" y="22" font-size="15" font-weight="bold">Processor time of a request, x floor (shorter is '
            f'better)</text>{"".join(parts)}</svg>\n')
