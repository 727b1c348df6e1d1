// The curves of several runs over one another; the first one is the base.
'use strict';

page.start(async () => {
    const runs = JSON.parse(await page.unpack(document.getElementById('runs').textContent));
    const colors = ['series-a', 'series-d', 'series-c', 'series-b', 'series-f', 'series-e'];
    // Runs of one group look alike.
    const colorOf = (run) => colors[run.group % colors.length];
    const dashes = (run) => ({ width: run.group === 0 ? 2.2 : 1.6, dashed: run.group >= colors.length });

    const length = Math.max(...runs.map((run) => run.duration_s));
    const end = ({ intervals }) => (intervals.length === 0 ? 0 :
        intervals[intervals.length - 1].elapsed_s + intervals[intervals.length - 1].duration_s);
    const longest = runs.reduce((a, b) =>
        (end(b) > end(a) || (end(b) === end(a) && b.intervals.length > a.intervals.length) ? b : a));
    const stops = page.thin(longest.intervals).map((one) => one.elapsed_s + one.duration_s / 2);
    const group = page.makeGroup({ stops, outputId: 'when', say: (i) => page.clock(stops[i]) });
    const overTime = (where, key, format, log) => {
        const list = runs.map((run) => page.series(run.label, colorOf(run),
            page.overTime(page.thin(run.intervals), (one) => one[key]), format, dashes(run)));
        const y = log ? page.logAxis(list.flatMap((one) => one.points.map((p) => p.y))) : page.linearAxis(format);
        page.draw(where, { list, x: page.timeAxis(length), y, group });
    };
    if (stops.length > 0) {
        overTime('chart-rate', 'throughput_per_s', (v) => page.count(v), false);
        overTime('chart-p50', 'p50_ms', page.ms, true);
        overTime('chart-p99', 'p99_ms', page.ms, true);
    }

    const nines = runs.map((run) => run.response.counts.length === 0 ? null :
        page.series(run.label, colorOf(run), page.byNines(run.response, run.max_ms), page.ms, dashes(run)))
        .filter((one) => one !== null);
    if (nines.length > 0) {
        const fullest = nines.reduce((a, b) => (b.points.length > a.points.length ? b : a)).points.map((p) => p.x);
        const most = Math.max(...nines.map((one) => one.points[one.points.length - 1].x));
        const shared = page.makeGroup({ stops: fullest, outputId: 'nines', say: (i) => page.share(fullest[i]), read: page.quantileAt });
        page.draw('chart-nines', { list: nines, x: page.ninesAxis(most),
            y: page.logAxis(nines.flatMap((one) => one.points.map((p) => p.y))), group: shared });
    }
});
