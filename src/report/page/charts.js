// What both pages draw with: unpacking, units, scales, the legend that is also the read-out, and the cursor that
// charts of one group share. Needs Chart.js, which the page holds compressed.
'use strict';

const page = (() => {
    const root = document.documentElement;
    const charts = [];

    async function unpack(base64) {
        const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
        const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
        return new Response(plain).text();
    }

    /** The other side of pack_lines(): lines that differ in their values alone are kept as columns. */
    function unpackLines(parts) {
        return parts.map((part) => {
            if (typeof part === 'string') return part;
            const columns = part.columns.map((column) => {
                if (column.values !== undefined) return column.values.split('\n');
                let n = 0;
                return column.steps.split('\n').map((step) => String((n += Number(step))));
            });
            const end = part.lines[part.lines.length - 1];
            return columns[0].map((_, line) => columns.map((column, i) => part.lines[i] + column[line]).join('') + end).join('');
        }).join('');
    }

    /** Runs the library: its text is one of the scripts that the page's policy allows by their hashes. */
    async function loadChartLibrary() {
        const script = document.createElement('script');
        script.textContent = await unpack(document.getElementById('chart-library').textContent);
        document.head.append(script);
        if (typeof Chart === 'undefined') throw new Error('the chart library did not start');
        Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
        Chart.defaults.font.size = 12;
        Chart.defaults.animation = false;
    }

    const color = (name) => getComputedStyle(root).getPropertyValue('--' + name).trim();

    // ---- numbers with their units

    const digits = (x, n) => x.toLocaleString('en-US', { maximumFractionDigits: n });
    function count(x) {
        return x === null || x === undefined ? '–' : digits(x, Math.abs(x) < 100 ? 2 : 0);
    }
    function ms(x) {
        if (x === null || x === undefined) return '–';
        if (x === 0) return '0 ms';
        if (x < 0.001) return digits(x * 1e6, 0) + ' ns';
        if (x < 1) return digits(x * 1e3, x < 0.01 ? 2 : x < 0.1 ? 1 : 0) + ' µs';
        if (x < 1000) return digits(x, x < 10 ? 2 : x < 100 ? 1 : 0) + ' ms';
        return digits(x / 1e3, x < 1e4 ? 2 : 1) + ' s';
    }
    const percent = (x) => (x === null || x === undefined ? '–' : digits(100 * x, 1) + ' %');
    /** With so many decimals of a second, where they tell something. */
    function clock(s, places = 0) {
        if (s < 60) return digits(s, Math.max(places, s < 10 ? 1 : 0)) + ' s';
        const rounded = Number(s.toFixed(places));
        const two = (n) => String(n).padStart(2, '0');
        const seconds = (rounded % 60).toFixed(places).padStart(places > 0 ? 3 + places : 2, '0');
        const minutes = Math.floor(rounded / 60);
        return minutes < 60 ? minutes + ':' + seconds : Math.floor(minutes / 60) + ':' + two(minutes % 60) + ':' + seconds;
    }
    /** From when to when an interval was, and in which phase. */
    function during(one) {
        const places = one.duration_s < 1 ? 2 : 0;
        return clock(one.elapsed_s, places) + ' to ' + clock(one.elapsed_s + one.duration_s, places) + ', phase ' + one.phase;
    }

    // ---- scales

    const yWidth = 64;  // of every y axis, so that charts below one another line up
    function axis(extra) {
        return Object.assign({
            border: { display: false },
            grid: { color: () => color('grid'), borderColor: () => color('line'), tickLength: 4 },
            ticks: { color: () => color('muted'), maxRotation: 0, padding: 6 },
        }, extra);
    }
    function withTicks(scale, ticks) {
        Object.assign(scale.ticks, ticks);
        return scale;
    }
    /** Seconds; ticks at whole steps of the clock. A page that grows sets another `min` and `max`. */
    function timeAxis(length) {
        const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
        return withTicks(axis({
            type: 'linear', min: 0, max: length,
            afterBuildTicks(scale) {
                const most = Math.max(2, Math.floor(scale.width / 80));
                const shown = scale.max - scale.min;
                const step = steps.find((s) => shown / s <= most) || shown / most;
                scale.ticks = [];
                for (let i = Math.ceil(scale.min / step); i * step <= scale.min + shown * 1.0001; ++i)
                    scale.ticks.push({ value: i * step });
            },
        }), { callback: (v) => clock(v), autoSkip: false });
    }
    function linearAxis(format, extra) {
        return withTicks(axis(Object.assign({
            type: 'linear', beginAtZero: true, afterFit(scale) { scale.width = yWidth; },
        }, extra)), { callback: (v) => format(v), maxTicksLimit: 5 });
    }
    /** Milliseconds on a log axis with lines at 1, 2, 5 or at powers of ten, as fit. */
    function logAxis(values) {
        let low = Infinity, high = 0;
        for (const v of values) {
            if (v > 0 && v < low) low = v;
            if (v > high) high = v;
        }
        if (!(high > 0)) { low = 0.1; high = 1; }
        const below = 10 ** Math.floor(Math.log10(low)), above = 10 ** Math.ceil(Math.log10(high));
        const nearest = (at, up) => {
            const marks = [1, 2, 5, 10, 20, 50].map((m) => m * 10 ** Math.floor(Math.log10(at)));
            return up ? marks.find((m) => m >= at * 0.999) : marks.filter((m) => m <= at * 1.001).pop();
        };
        let min = nearest(low, false) || below, max = nearest(high, true) || above;
        if (max / min < 4) { min = Math.min(min, below); max = Math.max(max, above); }
        const decades = Math.log10(max / min);
        return withTicks(axis({
            type: 'logarithmic', min, max,
            afterFit(scale) { scale.width = yWidth; },
            afterBuildTicks(scale) {
                const each = decades < 2.2 ? [1, 2, 5] : [1];
                scale.ticks = [];
                for (let e = Math.floor(Math.log10(min)); e <= Math.ceil(Math.log10(max)); ++e) {
                    for (const m of each) {
                        const value = Number((m * 10 ** e).toPrecision(3));
                        if (value >= min * 0.999 && value <= max * 1.001) scale.ticks.push({ value });
                    }
                }
            },
        }), { callback: (v) => ms(v), autoSkip: false });
    }

    // ---- series

    /** options: dashed, fill, width, bars, stepped, dots: no line between the points, which are of this style */
    function series(label, colorName, points, format, options = {}) {
        return { label, colorName, format, points, options };
    }
    function dataset(one) {
        const { options } = one;
        const set = {
            label: one.label, data: one.points, parsing: false, normalized: true,
            borderWidth: (options.width || 1.6) * (one.points.length > 300 ? 0.75 : 1), pointRadius: 0, pointHoverRadius: 0, pointHitRadius: 0,
            borderJoinStyle: 'round', tension: 0, spanGaps: false, stepped: options.stepped || false,
            borderDash: options.dashed ? [5, 4] : [], fill: options.fill ? 'origin' : false,
            order: options.behind ? 2 : 1,
            // To and from a point that is but a lower bound.
            segment: { borderDash: ({ p0DataIndex: i, p1DataIndex: j }) => (set.data[i].least || set.data[j].least ? [2, 4] : undefined) },
        };
        // A value without neighbours, as of sparse runs, would be a line of no length, which is not drawn.
        const there = (k) => set.data[k] && set.data[k].y !== null && set.data[k].y !== undefined;
        set.pointRadius = ({ dataIndex: i }) => (there(i) && !there(i - 1) && !there(i + 1) ? 2.5 : 0);
        if (options.dots) Object.assign(set, { showLine: false, pointRadius: 4, pointStyle: options.dots, pointBorderWidth: 1.6,
            pointBorderColor: () => color(one.colorName), pointBackgroundColor: () => color(one.colorName) });
        if (options.bars) Object.assign(set, { stepped: 'middle', fill: 'origin' });
        return set;
    }
    function paint(chart) {
        for (const set of chart.data.datasets) {
            const base = color(set.colorName);
            set.borderColor = base;
            set.pointBackgroundColor = base;
            set.backgroundColor = base + '26';
        }
    }

    // ---- marks behind the curves

    function bands(list, colorName, label) {
        return {
            id: 'bands-' + colorName,
            beforeDatasetsDraw(chart) {
                const { ctx, chartArea: area, scales } = chart;
                ctx.save();
                list.forEach((band, i) => {
                    const from = Math.max(area.left, scales.x.getPixelForValue(band.from));
                    const to = Math.min(area.right, scales.x.getPixelForValue(band.to));
                    if (to <= area.left || from >= area.right) return;
                    if (band.shaded) {
                        ctx.fillStyle = color(colorName);
                        ctx.fillRect(from, area.top, Math.max(1, to - from), area.bottom - area.top);
                    }
                    if (!label || !band.name) return;
                    ctx.font = '11px ' + Chart.defaults.font.family;
                    ctx.fillStyle = color('muted');
                    if (ctx.measureText(band.name).width < to - from - 8) ctx.fillText(band.name, from + 5, area.top + 12);
                });
                ctx.restore();
            },
        };
    }

    // ---- a figure: caption with the legend, canvas, cursor

    /** where: id of the figure. Returns the chart, or null where the page has no such figure. */
    function draw(where, { list, x, y, plugins = [], group, xName }) {
        const figure = document.getElementById(where);
        if (!figure) return null;
        const plot = figure.querySelector('.plot');
        const canvas = plot.appendChild(document.createElement('canvas'));
        canvas.setAttribute('role', 'img');
        canvas.setAttribute('aria-label', figure.querySelector('b').textContent + ': ' +
            (list.map((one) => one.label).join(', ') || 'heat map') + '. The numbers are in the tables below.');
        const cursor = plot.appendChild(document.createElement('div'));
        cursor.className = 'cursor';
        const sets = list.map((one) => Object.assign(dataset(one), { colorName: one.colorName }));
        const chart = new Chart(canvas, {
            type: 'line',
            data: { datasets: sets },
            options: {
                responsive: true, maintainAspectRatio: false, events: [],
                layout: { padding: { right: 14, top: 6 } },
                scales: { x, y },
                plugins: { legend: { display: false }, tooltip: { enabled: false } },
            },
            plugins,
        });
        paint(chart);
        chart.update('none');
        const keys = list.map((one, i) => legendKey(figure.querySelector('figcaption'), chart, one, i));
        charts.push(chart);
        if (group) group.add({ chart, plot, cursor, list, keys, xName });
        return chart;
    }

    function legendKey(caption, chart, one, i) {
        const button = caption.appendChild(document.createElement('button'));
        button.type = 'button';
        button.className = 'key';
        button.setAttribute('aria-pressed', 'true');
        button.title = 'Show or hide';
        const line = button.appendChild(document.createElement('i'));
        if (one.options.dashed) line.className = 'dashed';
        line.style.borderTopColor = 'var(--' + one.colorName + ')';
        button.append(one.label);
        const output = button.appendChild(document.createElement('output'));
        button.addEventListener('click', () => {
            const shown = !chart.isDatasetVisible(i);
            chart.setDatasetVisibility(i, shown);
            button.setAttribute('aria-pressed', String(shown));
            chart.update('none');
        });
        return output;
    }

    /** The last point at or before x; none behind the curve's end, as another run's that lasted longer. */
    function pointAt(points, x) {
        let low = 0, high = points.length - 1, found = -1;
        while (low <= high) {
            const middle = (low + high) >> 1;
            if (points[middle].x <= x) { found = middle; low = middle + 1; } else { high = middle - 1; }
        }
        const last = points.length - 1;
        const over = found === last && last > 0 && x > 2 * points[last].x - points[last - 1].x;
        return found < 0 || over ? null : points[found];
    }

    /** The first point at or after x, as a quantile is read off a distribution; behind the last one, that. */
    function quantileAt(points, x) {
        const after = points.find((point) => point.x >= x);
        return after || points[points.length - 1] || null;
    }

    const said = (one, point) => (point.least && point.y !== null ? '≥ ' : '') + one.format(point.y);

    /** Charts that share an x axis: pointing into one, or walking by the arrow keys, reads all of them, each
        curve by `read`. */
    function makeGroup({ stops, say, outputId, read = pointAt }) {
        const members = [];
        const output = outputId ? document.getElementById(outputId) : null;
        const resting = output ? output.textContent : '';
        if (output) output.setAttribute('role', 'status');
        let at = -1, shown = null;  // which of the stops, and where that is
        let speaker = null;  // the chart whose values are said
        /** What is read there, to those who see it; by the keys of a chart (`aloud`) its values are said as well. */
        function show(index, aloud = null) {
            at = index;
            speaker = aloud;
            const x = shown = index < 0 ? null : stops[index];
            const text = x === null ? resting : [say(index), ...(aloud ? valuesAt(aloud, x) : [])].join(', ');
            if (output && output.textContent !== text) output.textContent = text;
            for (const { chart, cursor, list, keys } of members) {
                const area = chart.chartArea;
                cursor.style.display = x === null ? 'none' : 'block';
                if (x !== null) {
                    cursor.style.left = chart.scales.x.getPixelForValue(x) + 'px';
                    cursor.style.top = area.top + 'px';
                    cursor.style.height = area.bottom - area.top + 'px';
                }
                list.forEach((one, i) => {
                    const point = x === null ? null : read(one.points, x);
                    keys[i].textContent = point === null ? '' : said(one, point);
                });
            }
        }
        function nearest(x) {
            let best = 0;
            for (let i = 1; i < stops.length; ++i) if (Math.abs(stops[i] - x) < Math.abs(stops[best] - x)) best = i;
            return best;
        }
        function valuesAt({ list }, x) {
            return list.map((one) => [one, read(one.points, x)]).filter(([, point]) => point !== null)
                .map(([one, point]) => one.label + ' ' + said(one, point));
        }
        function add(member) {
            members.push(member);
            const { plot, chart } = member;
            const title = plot.closest('figure').querySelector('b').textContent;
            plot.tabIndex = 0;
            plot.setAttribute('role', 'group');
            plot.setAttribute('aria-label', title + '. Left and right arrow keys read the values.');
            const follow = (event) => {
                const x = chart.scales.x.getValueForPixel(event.clientX - plot.getBoundingClientRect().left);
                if (stops.length > 0) show(nearest(x));
            };
            plot.addEventListener('pointermove', follow);
            plot.addEventListener('pointerdown', follow);
            // A finger that is lifted leaves, too: what it read stays until the next touch elsewhere.
            plot.addEventListener('pointerleave', (event) => { if (event.pointerType === 'mouse') show(-1); });
            plot.addEventListener('blur', () => show(-1));
            plot.addEventListener('keydown', (event) => {
                const last = stops.length - 1;
                const leap = Math.max(1, Math.round(stops.length / 20));
                const move = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - leap, PageDown: at + leap, Home: 0, End: last };
                if (event.key === 'Escape') return show(-1);
                if (!(event.key in move) || last < 0) return;
                event.preventDefault();
                show(Math.min(last, Math.max(0, move[event.key])), member);
            });
        }
        /** The stops are others, or lie elsewhere: what is read stays the same moment, or the nearest that is left. */
        function again() {
            if (shown !== null && stops.length > 0) show(nearest(shown), speaker);
        }
        return { add, again };
    }

    // ---- from a result

    /** At most 720 steps: more are finer than a screen, and a curve of them is a blot. Rates and shares are means,
        counts sums, what hurts (percentiles, queues) is that of the worst interval, so that no spike is lost. */
    function thin(intervals) {
        const joined = Math.ceil(intervals.length / 720);
        if (joined <= 1) return intervals;
        const steps = [];
        for (let i = 0; i < intervals.length; i += joined) {
            const group = intervals.slice(i, i + joined);
            const length = group.reduce((sum, one) => sum + one.duration_s, 0);
            const known = (key) => group.map((one) => one[key]).filter((x) => typeof x === 'number');
            const mean = (key) => (known(key).length === 0 || length === 0 ? null :
                group.reduce((sum, one) => sum + (one[key] || 0) * one.duration_s, 0) / length);
            const most = (key) => (known(key).length === 0 ? null : Math.max(...known(key)));
            const sum = (key) => known(key).reduce((a, b) => a + b, 0);
            steps.push({
                elapsed_s: group[0].elapsed_s, duration_s: length, phase: group[0].phase, joined: group.length,
                target_per_s: mean('target_per_s'), throughput_per_s: mean('throughput_per_s'),
                loop_busy_ratio: mean('loop_busy_ratio'), failed: sum('failed'), timed_out: sum('timed_out'),
                waiting: most('waiting'), in_flight: most('in_flight'), p50_ms: most('p50_ms'), p95_ms: most('p95_ms'),
                p99_ms: most('p99_ms'), max_ms: most('max_ms'), lag_p99_ms: most('lag_p99_ms'),
                at_least_from: latencies.find((one) => group.some((i) => i.at_least_from === one)) || null,
            });
        }
        return steps;
    }

    /** Of an interval's response. Where one is a lower bound, for want of answers, those behind it are as well. */
    const latencies = ['p50', 'p95', 'p99', 'max'];
    const isLeast = (interval, name) => latencies.indexOf(interval.at_least_from) >= 0 &&
        latencies.indexOf(name) >= latencies.indexOf(interval.at_least_from);

    /** One point for each interval, at its middle; null breaks the curve. `name`: of which of the latencies. */
    function overTime(intervals, value, name) {
        return intervals.map((one) => ({ x: one.elapsed_s + one.duration_s / 2, y: value(one), least: isLeast(one, name) }));
    }

    /** The charts of a run over time, in their order: where, curves (name, colour, value of an interval, format,
        options), and the y axis of their series. */
    function timeCharts(open) {
        const rate = (v) => count(v) + '/s';
        const logOf = (list) => logAxis(list.flatMap((one) => one.points.map((p) => p.y)));
        const curves = {
            'chart-rate': [['attained', 'series-a', (i) => i.throughput_per_s, rate, { fill: true }],
                           ['target', 'series-e', (i) => i.target_per_s, rate, { dashed: true, width: 2 }]].slice(0, open ? 2 : 1),
            'chart-latency': [['p50', 'series-b', (i) => i.p50_ms, ms], ['p95', 'series-a', (i) => i.p95_ms, ms],
                              ['p99', 'series-c', (i) => i.p99_ms, ms],
                              ['max', 'series-e', (i) => i.max_ms, ms, { width: 1, behind: true }]],
            'chart-failures': [['failed', 'series-f', (i) => i.failed, count, { bars: true, width: 1.4 }],
                               ['timed out', 'series-d', (i) => i.timed_out, count, { bars: true, width: 1.4 }]],
            'chart-queue': [['waiting', 'series-d', (i) => i.waiting, count, { fill: true }],
                            ['in flight', 'series-a', (i) => i.in_flight, count]],
            'chart-lag': [['lag p99', 'series-d', (i) => (i.lag_p99_ms > 0 ? i.lag_p99_ms : null), ms]],
            'chart-client': [['loop busy', 'series-a', (i) => i.loop_busy_ratio, percent, { fill: true }]],
        };
        const axes = { 'chart-latency': logOf, 'chart-lag': logOf,
                       'chart-client': () => linearAxis((v) => Math.round(100 * v) + ' %', { max: 1 }) };
        return Object.entries(curves).map(([where, own]) => ({
            where, y: axes[where] || (() => linearAxis(count)),
            list: (intervals) => own.map(([label, colorName, value, format, options]) =>
                series(label, colorName, overTime(intervals, value, label), format, options)),
        }));
    }

    /** The percentile curve of histograms.*: x is how many nines, log10(1 / (1 - q)). */
    function byNines(histogram, max_ms) {
        const total = histogram.counts.reduce((sum, [, n]) => sum + n, 0) + histogram.overflow;
        const points = [];
        let below = 0, last = -1;
        for (const [lowest, n] of histogram.counts) {
            below += n;
            const rest = total - below;
            const x = rest > 0 ? Math.log10(total / rest) : Math.log10(total) + 0.3;
            const width = lowest < 2048 ? 1 : 2 ** (Math.floor(Math.log2(lowest)) - 10);
            const y = Math.min((lowest + width - 1) / 1e6, max_ms);
            if (x - last < 0.004 && rest > 0) continue;  // finer than a pixel
            points.push({ x, y });
            last = x;
        }
        return points;
    }
    function ninesAxis(most) {
        const label = (v) => {
            if (v < 0.9) return '50 %';
            return v < 1.5 ? '90 %' : (100 - 100 / 10 ** v).toFixed(Math.max(0, Math.round(v) - 2)) + ' %';
        };
        return withTicks(axis({
            type: 'linear', min: 0, max: Math.max(1, most),
            afterBuildTicks(scale) {
                scale.ticks = [{ value: Math.log10(2) }];
                for (let n = 1; n <= most; ++n) scale.ticks.push({ value: n });
            },
        }), { callback: label, autoSkip: false });
    }
    const share = (nines) => 'p' + String(Number((100 - 100 / 10 ** nines).toPrecision(Math.max(3, Math.ceil(nines) + 2))));

    /** Rates across. */
    function rateAxis(most) {
        return withTicks(axis({ type: 'linear', min: 0, max: most }), { callback: (v) => count(v), maxTicksLimit: 8 });
    }

    /** Numbers across of which each is twice the one before; x is their log2. */
    function doublingsAxis(most) {
        return withTicks(axis({
            type: 'linear', min: -0.1, max: Math.max(1, most) + 0.1,
            afterBuildTicks(scale) {
                scale.ticks = [];
                for (let n = 0; n <= most; ++n) scale.ticks.push({ value: n });
            },
        }), { callback: (v) => count(2 ** v), autoSkip: true });
    }

    /** Colours follow the system and the printer. */
    function followTheme() {
        const again = () => {
            for (const chart of charts) {
                paint(chart);
                chart.resize();
                chart.update('none');
            }
        };
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
        matchMedia('print').addEventListener('change', again);
        let opened = [];
        addEventListener('beforeprint', () => {
            opened = [...document.querySelectorAll('details:not([open])')];
            for (const one of opened) one.open = true;
            again();
        });
        addEventListener('afterprint', () => {
            for (const one of opened) one.open = false;
            again();
        });
    }

    /** What goes wrong leaves the tables, and says so in the page. */
    async function start(work) {
        try {
            if (typeof DecompressionStream === 'undefined') throw new Error('this browser cannot unpack them (2023 or newer can)');
            await loadChartLibrary();
            root.classList.add('drawn');
            await work();
            followTheme();
            root.dataset.ready = 'yes';
        } catch (error) {
            root.classList.remove('drawn');
            root.dataset.ready = 'no';
            for (const note of document.querySelectorAll('.no-charts')) {
                note.textContent = 'No charts: ' + error.message + '. The tables hold the numbers.';
                note.hidden = false;
            }
        }
    }

    return { unpack, unpackLines, thin, isLeast, color, count, ms, percent, clock, during, timeAxis, linearAxis, logAxis, ninesAxis, rateAxis, doublingsAxis, share, series, bands,
             draw, makeGroup, quantileAt, overTime, timeCharts, byNines, start };
})();
