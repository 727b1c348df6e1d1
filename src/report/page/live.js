// The charts of a run while it lasts: those of the report, fed by the events of the program that serves the page.
'use strict';

(() => {
    const most = 600;  // intervals, as many as the program keeps for a page that comes late
    const { count, ms } = page;
    const $ = (id) => document.getElementById(id);
    const intervals = [], stops = [], spans = [];
    let run = null, charts = [], moment = null, before = null, rate = null, ended = false, over = false, drawn = false;
    let group = null;

    /** The whole run as long as the page has all of it, then the latest part. */
    function shown() {
        const last = intervals[intervals.length - 1];
        const end = last.elapsed_s + last.duration_s;
        const from = intervals[0].elapsed_s;
        const planned = Math.min(moment ? moment.duration_s : 0, most * last.duration_s);
        return from > 0 ? { min: from, max: end } : { min: 0, max: Math.max(planned, end) };
    }

    /** On the first interval: only then is it known whether the load follows a plan. */
    function build() {
        const open = intervals[0].target_per_s !== null;
        $('chart-lag').hidden = !open;
        if (!open) document.querySelector('#chart-rate figcaption span').textContent = 'queries a second';
        group = page.makeGroup({ stops, outputId: 'when', say: (i) => page.during(intervals[i]) });
        charts = page.timeCharts(open).filter(({ where }) => open || where !== 'chart-lag').map((kind, i) => {
            const list = kind.list(intervals);
            const chart = page.draw(kind.where, { list, x: Object.assign(page.timeAxis(0), shown()), y: kind.y(list), group,
                plugins: [page.bands(spans, 'phase', i === 0)] });
            return { kind, list, chart };
        });
    }

    function redraw() {
        if (intervals.length === 0) return;
        const places = intervals[0].duration_s < 1 ? 2 : 0;
        rows('intervals', intervals.slice(-10).reverse().map((one) => [page.clock(one.elapsed_s, places), one.phase,
            count(one.target_per_s), count(one.throughput_per_s), count(one.failed), count(one.timed_out), count(one.waiting),
            count(one.in_flight), ...['p50', 'p99', 'max'].map((key) => (page.isLeast(one, key) ? '≥ ' : '') + ms(one[key + '_ms']))]));
        if (drawn) drawCharts();
    }

    function drawCharts() {
        stops.splice(0, stops.length, ...intervals.map((one) => one.elapsed_s + one.duration_s / 2));
        spans.length = 0;
        for (const one of intervals) {
            const last = spans[spans.length - 1];
            if (last && last.name === one.phase) last.to = one.elapsed_s + one.duration_s;
            else spans.push({ from: one.elapsed_s, to: one.elapsed_s + one.duration_s, name: one.phase, number: spans.length });
        }
        for (const one of spans) one.shaded = one.number % 2 === 1;
        if (spans.length === 1) spans.length = 0;
        if (charts.length === 0) build();
        for (const { kind, list, chart } of charts) {
            kind.list(intervals).forEach((fresh, i) => {
                list[i].points = fresh.points;
                chart.data.datasets[i].data = fresh.points;
            });
            Object.assign(chart.options.scales.x, shown());
            chart.options.scales.y = kind.y(list);
            chart.update('none');
        }
        group.again();
    }

    /** Into the body of the table with this label: the first cell of a row is its name. */
    function rows(id, table) {
        const texts = [...document.querySelectorAll('#' + id + ' thead th')].map((head) => head.className);
        document.querySelector('#' + id + ' tbody').replaceChildren(...table.map((cells) => {
            const row = document.createElement('tr');
            row.append(...cells.map((text, i) => {
                const cell = document.createElement(i === 0 ? 'th' : 'td');
                if (i === 0) cell.scope = 'row'; else cell.className = texts[i];
                cell.textContent = text;
                return cell;
            }));
            return row;
        }));
    }

    function figure(name, value, note) {
        const box = document.createElement('div');
        const make = (parent, tag, text, style = '') => {
            const one = parent.appendChild(document.createElement(tag));
            one.textContent = text;
            one.className = style;
            return one;
        };
        make(box, 'dt', name);
        const data = make(box, 'dd', '');
        make(data, 'span', value, 'big');
        make(data, 'small', note);
        return box;
    }

    /** In a single decimal where there are few of them, so that a rate does not dance. */
    const whole = (x) => (x === null ? '–' : count(Math.abs(x) < 10 ? Math.round(10 * x) / 10 : Math.round(x)));
    const some = (n, words) => (n > 0 ? count(n) + ' ' + words : '');

    function now(m) {
        moment = m;
        if (before && m.elapsed_s > before.elapsed_s) rate = (m.succeeded - before.succeeded) / (m.elapsed_s - before.elapsed_s);
        if (!before || m.elapsed_s > before.elapsed_s) before = m;
        const { connections: held } = m;
        const measuring = m.stage === 'measuring';  // before and behind it nothing is attained, and no rate is a target
        const aim = m.target_per_s === null ? 'as fast as it goes' : 'of ' + whole(m.target_per_s) + '/s';
        const made = held.idle + held.busy;
        $('now').replaceChildren(
            figure('Time', page.clock(Math.round(m.elapsed_s)), (m.duration_s > 0 ? 'of ' + page.clock(m.duration_s) : '') +
                (m.phase ? ', ' + m.phase : '')),
            figure('Attained', measuring ? whole(rate) + '/s' : '–', measuring ? aim : ''),
            figure('Succeeded', count(m.succeeded), m.target_per_s === null ? '' : 'of ' + count(m.planned) + ' due'),
            figure('Failed', count(m.failed), some(m.missed, 'missed')),
            figure('Waiting', count(m.waiting), count(m.in_flight) + ' in flight'),
            figure('Connections', count(made), 'of ' + count(held.wanted) + (m.reconnects > 0 ? ', ' + count(m.reconnects) + ' made again' : '')),
            figure('Own load', page.percent(m.loop_busy_ratio), 'of the time its loop was busy'));
        rows('operations', m.operations.map((o) => [o.name, count(o.ok), count(o.empty), count(o.failed), count(o.timed_out), count(o.missed)]));
    }

    function state(text) {
        // Said once: it is read aloud where somebody listens.
        if ($('state').textContent !== text) $('state').textContent = text;
    }

    let due = false;
    function listen() {
        const events = new EventSource('events');
        events.addEventListener('run', (event) => {
            // Each connection begins with it. Another run needs a page of its own; of the same one all comes again.
            const { scenario, id, pattern } = JSON.parse(event.data);
            if (run !== null && run !== id) return location.reload();
            run = id;
            intervals.length = 0;
            $('scenario').textContent = scenario;
            $('run').textContent = 'run ' + id + (pattern ? ' along ' + pattern : '');
            document.title = scenario + ': pgtraffic, live';
        });
        events.addEventListener('moment', (event) => {
            const data = JSON.parse(event.data);
            over = data.stage === 'finished' || (data.duration_s > 0 && data.elapsed_s >= data.duration_s);
            now(data);
            if (!ended) state(data.stage);
        });
        // Those of the past come all at once: drawn when the browser next has time to.
        events.addEventListener('interval', (event) => {
            intervals.push(JSON.parse(event.data));
            if (intervals.length > most) intervals.shift();
            if (due) return;
            due = true;
            setTimeout(() => { due = false; redraw(); });
        });
        events.addEventListener('result', () => {
            ended = true;
            state('finished, and the result is there');
            $('result').hidden = false;
        });
        events.onerror = () => {
            $('result').hidden = true;  // it comes again with the next connection
            if (events.readyState === EventSource.CLOSED) {
                // It answered, but not with events: as many pages as it serves are open. The browser leaves that to us.
                state('too many pages watch; trying again');
                setTimeout(listen, 5000);
            } else {
                state((ended || over ? 'finished; ' : '') + 'the program does not answer');
            }
        };
    }
    listen();

    // Figures and tables need no charts.
    page.start(async () => {
        drawn = true;
        redraw();
    });
})();
