"""The learning curve as an SVG file, drawn by hand."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 46, 50
LOW, HIGH = 0.2, 1.0


def learning_curve(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]], wave: int) -> str:
    """Mean true score by documents, with the middle 80 % of the seeds as a band; the original's rule beside it."""
    last = (len(ours[0]) - 1) * wave

    def at(documents: float, score: float) -> str:
        x = LEFT + (WIDTH - LEFT - RIGHT) * documents / last
        y = TOP + (HEIGHT - TOP - BOTTOM) * (HIGH - max(score, LOW)) / (HIGH - LOW)
        return f"{x:.1f},{y:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="15">'
        f"True mean score of the active prompt, {len(ours)} simulated streams</text>",
    ]
    for tenth in range(round(LOW * 10), round(HIGH * 10) + 1, 2):
        x, y = at(0, tenth / 10).split(",")
        parts.append(f'<line x1="{x}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 34}" y="{float(y) + 4:.1f}" fill="#555">{tenth / 10:.1f}</text>')
    for documents in range(0, last + 1, 50):
        x, y = at(documents, LOW).split(",")
        parts.append(f'<text x="{x}" y="{HEIGHT - 28}" fill="#555" text-anchor="middle">{documents}</text>')
    parts.append(f'<text x="{WIDTH // 2}" y="{HEIGHT - 8}" fill="#555" text-anchor="middle">documents</text>')
    for curves, colour, name, row in (
        (ours, "#1a6e4e", "trials on held-back documents (band: 80 % of the streams)", 0),
        (theirs, "#b5482a", "the original's rule: one document's own score", 1),
    ):
        steps = list(zip(*curves, strict=True))
        low = [at(place * wave, _quantile(step, 0.1)) for place, step in enumerate(steps)]
        high = [at(place * wave, _quantile(step, 0.9)) for place, step in enumerate(steps)]
        mean = [at(place * wave, sum(step) / len(step)) for place, step in enumerate(steps)]
        parts.append(
            f'<polygon points="{" ".join([*low, *reversed(high)])}" fill="{colour}" opacity="0.15"/>'
        )
        parts.append(
            f'<polyline points="{" ".join(mean)}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
        )
        line = HEIGHT - BOTTOM - 34 + row * 18
        ends = f'x1="{WIDTH - 420}" y1="{line - 4}" x2="{WIDTH - 396}" y2="{line - 4}"'
        parts.append(f'<line {ends} stroke="{colour}" stroke-width="2.5"/>')
        parts.append(f'<text x="{WIDTH - 388}" y="{y}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
