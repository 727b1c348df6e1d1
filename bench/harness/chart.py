"""Line charts of the clients as SVG text: a logarithmic x axis, y from zero, a whisker from the lowest to the
highest sample. Readable on light and dark pages, because it brings its own background."""

import math
from html import escape

COLOURS = {"pgtraffic": "#1b6ca8", "pgbench": "#c8553d", "raw socket": "#6b7280"}
WIDTH, HEIGHT = 430, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 34, 46


def _nice_step(highest):
    """A step of 1, 2 or 5 times a power of ten that divides the axis into four to eight."""
    rough = highest / 5
    power = 10 ** math.floor(math.log10(rough))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= rough)


def _label(value):
    if value >= 1000:
        return f"{value / 1000:g}k"
    return f"{value:g}"


def _panel(title, x_label, series, left):
    """`series`: [(client, [(x, Spread)])]."""
    points = [point for _, line in series for point in line]
    xs = sorted({x for x, _ in points})
    low_x, high_x = math.log10(xs[0]), math.log10(xs[-1])
    step = _nice_step(max(max(s.high for _, s in points), 1e-9))
    top = step * math.ceil(max(s.high for _, s in points) / step)

    def at_x(x):
        share = (math.log10(x) - low_x) / (high_x - low_x) if high_x > low_x else 0.5
        return left + LEFT + share * (WIDTH - LEFT - RIGHT)

    def at_y(y):
        return HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)

    out = [f'<text x="{left + LEFT}" y="18" class="title">{escape(title)}</text>']
    for i in range(round(top / step) + 1):
        y = at_y(i * step)
        out.append(f'<line x1="{left + LEFT}" y1="{y:.1f}" x2="{left + WIDTH - RIGHT}" y2="{y:.1f}" class="grid"/>')
        out.append(f'<text x="{left + LEFT - 6}" y="{y + 4:.1f}" class="end">{_label(i * step)}</text>')
    for x in xs:
        out.append(f'<text x="{at_x(x):.1f}" y="{HEIGHT - BOTTOM + 16}" class="middle">{_label(x)}</text>')
    out.append(f'<text x="{left + (LEFT + WIDTH) / 2:.0f}" y="{HEIGHT - 12}" class="middle">{escape(x_label)}</text>')
    for name, line in series:
        colour = COLOURS[name]
        path = " ".join(f"{at_x(x):.1f},{at_y(s.median):.1f}" for x, s in line)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, s in line:
            out.append(f'<line x1="{at_x(x):.1f}" y1="{at_y(s.low):.1f}" x2="{at_x(x):.1f}" '
                       f'y2="{at_y(s.high):.1f}" stroke="{colour}"/>')
            out.append(f'<circle cx="{at_x(x):.1f}" cy="{at_y(s.median):.1f}" r="3" fill="{colour}"/>')
    return out


def chart(panels, x_label, caption):
    """`panels`: [(title, series)] side by side with one legend; `caption` names the machine. Empty lines and
    panels are left out; returns None when nothing is left."""
    panels = [(title, [(name, line) for name, line in series if line]) for title, series in panels]
    panels = [(title, series) for title, series in panels if series]
    if not panels:
        return None
    width, height = WIDTH * len(panels), HEIGHT + 40
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
           f'height="{height}" role="img">',
           "<style>text{font:12px sans-serif;fill:#374151}.title{font-weight:bold;fill:#111827}"
           ".grid{stroke:#e5e7eb}.end{text-anchor:end}.middle{text-anchor:middle}.caption{font-size:10px;fill:#6b7280}"
           "</style>",
           f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
    for i, (title, series) in enumerate(panels):
        out += _panel(title, x_label, series, i * WIDTH)
    x = LEFT
    shown = [name for name in COLOURS if any(name == one for _, series in panels for one, _ in series)]
    for name in shown:
        out.append(f'<rect x="{x}" y="{HEIGHT + 3}" width="14" height="4" fill="{COLOURS[name]}"/>')
        out.append(f'<text x="{x + 20}" y="{HEIGHT + 10}">{escape(name)}</text>')
        x += 34 + 7 * len(name)
    out.append(f'<text x="{LEFT}" y="{HEIGHT + 30}" class="caption">{escape(caption)}</text>')
    return "\n".join([*out, "</svg>", ""])
