"""A dashboard's panels drawn as SVG from the data that their queries gave: in their places, with their units and
legends. It is no Grafana, and says so in the picture."""
import math
from html import escape

COLUMN, ROW, GAP, HEAD = 50, 30, 8, 46  # px of a grid cell, between panels, above them
COLOURS = ['#3b6fb6', '#d9822b', '#2f9e77', '#b8458f', '#8a6bc9', '#c0392b', '#6b7280', '#a68a00']
STYLE = ('text{font:12px sans-serif;fill:#374151}.t{font-weight:bold;fill:#111827}.s{font-size:11px;fill:#6b7280}'
         '.e{text-anchor:end}.m{text-anchor:middle}.big{font-size:26px;font-weight:bold;fill:#111827}'
         '.g{stroke:#e5e7eb}.p{fill:#fff;stroke:#d1d5db}')


def number(value, unit=None):
    if unit == 'percentunit':
        return f'{100 * value:.3g} %'
    for factor, suffix in ((1, ' s'), (1e-3, ' ms'), (1e-6, ' µs')):
        if unit == 's' and (value >= factor or factor == 1e-6):
            return '0 s' if value == 0 else f'{value / factor:.3g}{suffix}'
    text = f'{value:,.0f}' if value >= 100 or value == int(value) else f'{value:.3g}'
    return text + {'reqps': '/s', 'ms': ' ms'}.get(unit, '')


def steps(top):
    """A round step that cuts 0..top into three to six."""
    rough = top / 4 if top > 0 else 0.25
    power = 10 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough)


def text(x, y, words, style=''):
    return f'<text x="{x:.1f}" y="{y:.1f}"' + (f' class="{style}"' if style else '') + f'>{escape(words)}</text>'


def cut(words, width):
    most = int(width / 6.6)
    return words if len(words) <= most else words[:max(1, most - 1)] + '…'


class Box:
    """The inside of a panel, below its title."""

    def __init__(self, grid):
        self.x, self.y = grid['x'] * COLUMN + GAP / 2, grid['y'] * ROW + HEAD
        self.w, self.h = grid['w'] * COLUMN - GAP, grid['h'] * ROW - GAP
        self.left, self.right = self.x + 62, self.x + self.w - 14
        self.top, self.bottom = self.y + 30, self.y + self.h - 44


def time_axis(box, start, end):
    step = steps(end - start)
    out = []
    for i in range(int((end - start) / step) + 1):
        x = box.left + (box.right - box.left) * i * step / (end - start)
        out.append(text(x, box.bottom + 15, f'{i * step:g} s', 's m'))
    return out


def lines(box, series, unit, log, span):
    points = [point for _, line in series for point in line]
    if not points:
        return [text(box.left, box.top + 20, 'No data', 's')]
    start, end = span
    positive = [v for _, v in points if v > 0]
    if log and positive:
        low = 10 ** math.floor(math.log10(min(positive)))
        high = 10 ** math.ceil(math.log10(max(max(positive), low * 1.01)))
        marks = [10 ** e for e in range(round(math.log10(low)), round(math.log10(high)) + 1)]
    else:
        log, low, high = False, 0, max([v for _, v in points] + [1e-9])
        step = steps(high)
        high = step * math.ceil(high / step)
        marks = [i * step for i in range(round(high / step) + 1)]

    def at(t, v):
        part = math.log(max(v, low) / low) / math.log(high / low) if log else v / high
        return (box.left + (box.right - box.left) * (t - start) / (end - start), box.bottom - (box.bottom - box.top) * part)

    out = time_axis(box, start, end)
    for mark in marks:
        y = at(start, mark)[1]
        out.append(f'<line x1="{box.left}" y1="{y:.1f}" x2="{box.right}" y2="{y:.1f}" class="g"/>')
        out.append(text(box.left - 6, y + 4, number(mark, unit), 's e'))
    x = box.left
    for i, (name, line) in enumerate(series):
        colour = COLOURS[i % len(COLOURS)]
        path = ' '.join('{:.1f},{:.1f}'.format(*at(t, v)) for t, v in line)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        words = f'{name} {number(line[-1][1], unit)}' if line else f'{name} –'
        if x + 18 + 6.6 * len(words) > box.right:
            continue
        out.append(f'<rect x="{x:.1f}" y="{box.bottom + 29}" width="12" height="3" fill="{colour}"/>')
        out.append(text(x + 16, box.bottom + 34, words, 's'))
        x += 30 + 6.2 * len(words)
    return out


def heat(box, series, span):
    """Buckets as Prometheus has them, each with those below it, so what is drawn is the difference."""
    bounds = sorted((math.inf if name == '+Inf' else float(name), dict(line)) for name, line in series)
    moments = sorted({t for _, line in bounds for t in line})
    cells, used = {}, set()
    for t in moments:
        below = 0
        for row, (_, line) in enumerate(bounds):
            got = line.get(t, below)
            if got > below:
                cells[t, row] = got - below
                used.add(row)
            below = max(below, got)
    if not cells:
        return [text(box.left, box.top + 20, 'No data', 's')]
    first, last, most = min(used), max(used), max(cells.values())
    start, end = span
    width = (box.right - box.left) * (moments[1] - moments[0] if len(moments) > 1 else 1) / (end - start)
    height = (box.bottom - box.top) / (last - first + 1)
    out = time_axis(box, start, end)
    for row in range(first, last + 1):
        out.append(text(box.left - 6, box.bottom - height * (row - first) - 1, number(bounds[row][0], 's'), 's e'))
    for (t, row), n in cells.items():
        x, y = box.left + (box.right - box.left) * (t - start) / (end - start) - width, box.bottom - height * (row - first + 1)
        out.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width + 0.3:.1f}" height="{height:.1f}" fill="{COLOURS[0]}" '
                   f'fill-opacity="{0.08 + 0.92 * math.sqrt(n / most):.2f}"/>')
    return out


def table(box, heads, rows, units):
    out = []
    width = (box.w - 28) / max(1, len(heads))
    for column, head in enumerate(heads):
        x = box.x + 14 + width * column
        out.append(text(x, box.y + 46, cut(head, width), 's'))
        for i, row in enumerate(rows):
            value = row[column]
            words = number(value, units.get(head)) if isinstance(value, (int, float)) else str(value)
            out.append(text(x, box.y + 68 + 22 * i, cut(words, width)))
    return out


def panel_svg(panel, data, span):
    box = Box(panel['gridPos'])
    out = [f'<rect x="{box.x}" y="{box.y}" width="{box.w}" height="{box.h}" rx="3" class="p"/>',
           text(box.x + 10, box.y + 19, panel['title'], 't')]
    defaults = panel['fieldConfig']['defaults']
    unit = defaults.get('unit')
    if panel['type'] == 'table':
        units = {one['matcher']['options']: one['properties'][0]['value'] for one in panel['fieldConfig']['overrides']}
        return out + table(box, *data, units)
    if panel['type'] == 'heatmap':
        return out + heat(box, data, span)
    if panel['type'] == 'timeseries':
        log = defaults.get('custom', {}).get('scaleDistribution', {}).get('type') == 'log'
        return out + lines(box, data, unit, log, span)
    # A figure of now: the series that has the last point.
    name, line = max(data, key=lambda one: one[1][-1][0] if one[1] else 0)
    shown = name if panel['options'].get('textMode') == 'name' else number(line[-1][1], unit)
    if panel['type'] == 'gauge':
        full = box.w - 60
        part = min(1, line[-1][1] / defaults['max'])
        out.append(f'<rect x="{box.x + 30}" y="{box.y + 78}" width="{full}" height="10" fill="#e5e7eb"/>')
        out.append(f'<rect x="{box.x + 30}" y="{box.y + 78}" width="{full * part:.1f}" height="10" fill="{COLOURS[2]}"/>')
    return out + [text(box.x + box.w / 2, box.y + 66, shown, 'big m')]


def dashboard_svg(title, note, panels):
    """`panels`: [(panel, data)], drawn over one span of time; data is [(name, [(time, value)])], of a table (heads, rows)."""
    width = 24 * COLUMN
    height = HEAD + ROW * max(p['gridPos']['y'] + p['gridPos']['h'] for p, _ in panels) + 6
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
           f'role="img" aria-label="{escape(title)}">', f'<style>{STYLE}</style>',
           f'<rect width="{width}" height="{height}" fill="#f3f4f6"/>',
           text(10, 20, title, 't'), text(10, 36, note, 's')]
    times = [t for panel, data in panels if panel['type'] != 'table' for _, line in data for t, _ in line]
    span = min(times), max(max(times), min(times) + 1e-9)
    for panel, data in panels:
        out += panel_svg(panel, data, span)
    return '\n'.join([*out, '</svg>', ''])
