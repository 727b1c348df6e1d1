// The charts of one run, drawn from the very JSON that the page lets download.
'use strict';

page.start(async () => {
    const text = page.unpackLines(JSON.parse(await page.unpack(document.getElementById('result').textContent)));
    const result = JSON.parse(text);
    const link = document.getElementById('json');
    page.download = new Blob([text], { type: 'application/json' });
    link.href = URL.createObjectURL(page.download);
    link.download = 'pgtraffic-' + result.run.id + '.json';

    drawSearch(result);
    drawConnections(result);
    drawTime(result);
    drawHeat(result);
    drawPercentiles(result);

    function drawTime({ intervals: all, phases, config, summary, outages }) {
        if (all.length === 0) return;
        const intervals = page.thin(all);
        const last = intervals[intervals.length - 1];
        const length = Math.max(summary.duration_s, last.elapsed_s + last.duration_s);
        const marks = [];
        if (phases.length > 1) {
            const spans = phases.map((one, i) => ({ from: one.start_s, to: one.start_s + one.duration_s, name: one.name, shaded: i % 2 === 1 }));
            marks.push((label) => page.bands(spans, 'phase', label));
        }
        if (outages && outages.length > 0) {
            // One that was not over lasted to the end.
            const spans = outages.map((one) => ({ from: one.from_s, to: one.to_s === null ? length : one.to_s, shaded: true }));
            marks.push(() => page.bands(spans, 'outage', false));
        }
        const group = page.makeGroup({
            stops: intervals.map((one) => one.elapsed_s + one.duration_s / 2),
            outputId: 'when',
            say: (i) => {
                const one = intervals[i];
                return page.during(one) + (one.joined > 1 ? ' (' + one.joined + ' intervals; percentiles and queue of the worst)' : '');
            },
        });
        page.timeCharts(config.mode === 'open').forEach((chart, i) => {
            let list = chart.list(intervals);
            if (chart.where === 'chart-failures') list = list.filter((one) => one.points.some((p) => p.y > 0));
            page.draw(chart.where, { list, x: page.timeAxis(length), y: chart.y(list), group, plugins: marks.map((mark) => mark(i === 0)) });
        });
    }

    /** What the steps of a search for a rate showed, the slowest first. */
    function drawSearch({ rate_search: search }) {
        if (!search) return;
        const steps = search.steps.filter((one) => one.rate_per_s !== null && one.response_ms !== null && ['carried', 'not_carried'].includes(one.verdict))
            .sort((a, b) => a.rate_per_s - b.rate_per_s);
        if (steps.length === 0) return;
        const dots = (label, colorName, key, style, verdict) => page.series(label, colorName,
            steps.filter((one) => !verdict || one.verdict === verdict).map((one) => ({ x: one.rate_per_s, y: one.response_ms[key] })),
            page.ms, { dots: style });
        const list = [dots('p99, carried', 'series-b', 'p99', 'circle', 'carried'), dots('p99, not carried', 'series-c', 'p99', 'crossRot', 'not_carried'),
                      dots('p50', 'series-e', 'p50', 'rect')].filter((one) => one.points.length > 0);
        const stops = [...new Set(steps.map((one) => one.rate_per_s))];
        const group = page.makeGroup({
            stops, outputId: 'rate', say: (i) => page.count(stops[i]) + ' queries a second',
            read: (points, x) => points.findLast((point) => point.x === x) || null,
        });
        const values = list.flatMap((one) => one.points.map((p) => p.y));
        page.draw('chart-search', { list, x: page.rateAxis(stops[stops.length - 1] * 1.05), y: page.logAxis(values), group });
    }

    /** What the steps of a search for the connections got done, each a dot: some numbers were tried twice. */
    function drawConnections({ connection_search: search }) {
        if (!search) return;
        const steps = search.steps.filter((one) => !one.disturbed);
        if (steps.length === 0) return;
        const stops = [...new Set(steps.map((one) => one.connections))].sort((a, b) => a - b).map(Math.log2);
        const group = page.makeGroup({
            stops, outputId: 'connected', say: (i) => page.count(Math.round(2 ** stops[i])) + ' connections',
            read: (points, x) => points.findLast((point) => point.x === x) || null,
        });
        const dots = (label, colorName, value, format, style) => page.series(label, colorName,
            steps.map((one) => ({ x: Math.log2(one.connections), y: value(one) })).filter((point) => point.y !== null), format, { dots: style });
        const x = () => page.doublingsAxis(stops[stops.length - 1]);
        const throughput = [dots('throughput', 'series-a', (one) => one.throughput_per_s, (v) => page.count(v) + '/s', 'circle')];
        page.draw('chart-scaling', { list: throughput, x: x(), y: page.linearAxis(page.count), group });
        const latency = [['p99', 'series-c', 'circle'], ['p50', 'series-b', 'rect']].map(([key, colorName, style]) =>
            dots(key, colorName, (one) => (one.response_ms ? one.response_ms[key] : null), page.ms, style));
        const values = latency.flatMap((one) => one.points.map((p) => p.y));
        page.draw('chart-scaling-latency', { list: latency, x: x(), y: page.logAxis(values), group });
    }

    function drawHeat({ histograms, summary }) {
        const heat = histograms.response_over_time;
        if (!heat || heat.columns.length === 0 || heat.limits.length < 2) return;
        const limits = heat.limits.map((ns) => Math.max(ns, heat.limits[1] / 4) / 1e6);
        const last = heat.columns[heat.columns.length - 1];
        const length = Math.max(summary.duration_s, last.elapsed_s + last.duration_s);
        const cells = {
            id: 'cells',
            beforeDatasetsDraw(chart) {
                const { ctx, scales: { x, y }, chartArea: area } = chart;
                const rgb = page.color('heat');
                ctx.save();
                ctx.beginPath();
                ctx.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
                ctx.clip();
                for (const column of heat.columns) {
                    const most = Math.max(...column.counts);
                    const left = Math.round(x.getPixelForValue(column.elapsed_s));
                    const right = Math.round(x.getPixelForValue(column.elapsed_s + column.duration_s));
                    column.counts.forEach((n, i) => {
                        if (n === 0) return;
                        // By the root, so that the rare slow ones can be seen beside the many.
                        ctx.fillStyle = `rgba(${rgb}, ${(0.1 + 0.9 * Math.sqrt(n / most)).toFixed(3)})`;
                        const top = Math.round(y.getPixelForValue(limits[i + 1])), bottom = Math.round(y.getPixelForValue(limits[i]));
                        ctx.fillRect(left, top, Math.max(1, right - left), Math.max(1, bottom - top));
                    });
                }
                ctx.restore();
            },
        };
        const y = page.logAxis([limits[0], limits[limits.length - 1]]);
        page.draw('chart-heat', { list: [], x: page.timeAxis(length), y, plugins: [cells] });
    }

    function drawPercentiles({ histograms, summary }) {
        if (!summary.response_ms || histograms.response.counts.length === 0) return;
        const list = [page.series('response', 'series-c', page.byNines(histograms.response, summary.response_ms.max), page.ms, { width: 2 })];
        if (summary.service_ms && histograms.service.counts.length > 0) {
            list.push(page.series('service', 'series-b', page.byNines(histograms.service, summary.service_ms.max), page.ms, { width: 2 }));
        }
        const values = list.flatMap((one) => one.points.map((p) => p.y));
        const most = Math.max(...list.map((one) => one.points[one.points.length - 1].x));
        const stops = list[0].points.map((p) => p.x);
        const group = page.makeGroup({ stops, outputId: 'nines', say: (i) => page.share(stops[i]), read: page.quantileAt });
        page.draw('chart-nines', { list, x: page.ninesAxis(most), y: page.logAxis(values), group });
    }
});
