#!/usr/bin/python3
"""A run as Prometheus and Grafana see it: a real Prometheus scrapes a run against the fake server.

Checked: what promtool says to /metrics while the run lasts; after it every counter in Prometheus against its number
in the result; every query of the live dashboard, that Prometheus takes it and has data for it; every field of the
result's dashboard, that the lingering run serves it. Ends with 77 where there is no Prometheus, which ctest shows as
skipped.

usage: prometheus_test.py PGTRAFFIC FAKE_SERVER DASHBOARDS [PICTURES]
       (PICTURES: a folder for a drawing of each dashboard with what its panels' queries gave)
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import picture

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from observed_run import ObservedRun, line_with, started

SKIPPED = 77
PATIENCE_S = 60


class Failures(list):
    def check(self, right, what):
        if not right:
            print(what)
            self.append(what)


class ScrapeBell:
    """A target without metrics: Prometheus tells nobody when it has scraped, and here it can be heard."""

    def __init__(self):
        self._rung = threading.Event()
        rung = self._rung

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header('Content-Type', 'text/plain; version=0.0.4')
                self.send_header('Content-Length', '0')
                self.end_headers()
                rung.set()

            def log_message(self, *_):
                pass

        self._server = HTTPServer(('127.0.0.1', 0), Handler)
        self.target = '127.0.0.1:%d' % self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait(self, seconds):
        self._rung.clear()
        return self._rung.wait(seconds)

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Prometheus:
    """Scrapes one target twice a second, on a port that it chooses itself; gone with its scope."""

    def __init__(self, folder, target):
        self._bell = ScrapeBell()
        config = os.path.join(folder, 'prometheus.yml')
        with open(config, 'w', encoding='utf-8') as file:
            json.dump({'scrape_configs': [{'job_name': name, 'scrape_interval': '500ms',
                                           'static_configs': [{'targets': [scraped]}]}
                                          for name, scraped in (('pgtraffic', target), ('bell', self._bell.target))]},
                      file)  # JSON is YAML
        self._process = started(['prometheus', '--config.file=' + config, '--web.listen-address=127.0.0.1:0',
                                 '--storage.tsdb.path=' + os.path.join(folder, 'tsdb')],
                                stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.url = 'http://' + line_with(self._process.stderr, r'Listening on.*address=(127\.0\.0\.1:\d+)').group(1)
        line_with(self._process.stderr, 'Server is ready')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.communicate()
        self._bell.close()

    def ask(self, path, **parameters):
        """The series of an answer; a query that is refused is an error that names it."""
        try:
            with urllib.request.urlopen(f'{self.url}/api/v1/{path}?' + urllib.parse.urlencode(parameters)) as reply:
                return json.load(reply)['data']['result']
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{parameters['query']}: {error.read().decode()}") from error

    def value(self, query):
        series = self.ask('query', query=query)
        return float(series[0]['value'][1]) if len(series) == 1 else None

    def wait_for(self, query):
        end = time.monotonic() + PATIENCE_S
        while not self.ask('query', query=query):
            if time.monotonic() > end or not self._bell.wait(PATIENCE_S):
                raise RuntimeError('never true: ' + query)


def check_counters(prometheus, result, failures):
    queries = result['summary']['queries']
    expected = {f'pgtraffic_arrivals_{name}_total': queries[name] for name in ('planned', 'started', 'missed')}
    expected['pgtraffic_arrivals_waiting'] = queries['waiting']
    expected['pgtraffic_queries_in_flight'] = queries['in_flight']
    for outcome in ('ok', 'empty', 'failed', 'timed_out'):
        expected[f'sum(pgtraffic_queries_total{{outcome="{outcome}"}})'] = queries[outcome]
    for operation in result['operations']:
        name = json.dumps(operation['name'])
        for outcome in ('ok', 'empty', 'failed', 'timed_out'):
            labels = f'operation={name},outcome="{outcome}"'
            expected[f'pgtraffic_queries_total{{{labels}}}'] = operation[outcome]
            if operation[outcome] > 0:  # before the first there is no histogram
                expected[f'pgtraffic_response_seconds_count{{{labels}}}'] = operation[outcome]
        expected[f'pgtraffic_query_retries_total{{operation={name}}}'] = operation['retries']
        expected[f'pgtraffic_query_rows_total{{operation={name}}}'] = operation['rows']
    for error in result['errors']:
        expected[f'pgtraffic_errors_total{{sqlstate="{error["sqlstate"]}"}}'] = error['count']
    for query, number in expected.items():
        got = prometheus.value(query)
        failures.check(got == number, f'{query} is {got} in Prometheus, and {number} in the result')
    # What the fake server is asked to do; anything else was something that happened to it.
    failed_with = [error['sqlstate'] for error in result['errors']]
    failures.check(failed_with == ['40001'], f'the queries failed with {failed_with}, not with 40001')
    return len(expected)


def query_of(target):
    """As Grafana sends it, with its variables filled in."""
    query = target['expr'].replace('$__rate_interval', '4s').replace('$job', '.*').replace('$instance', '.*')
    if '$' in query:
        raise RuntimeError('a variable that nobody fills in: ' + query)
    return query


def live_panels(prometheus, dashboard, start, end, failures):
    """Each panel with the series that its queries give."""
    panels = []
    for panel in dashboard['panels']:
        found = []
        for target in panel.get('targets', []):
            series = prometheus.ask('query_range', query=query_of(target), start=start, end=end, step=0.5)
            failures.check(series, f"{panel['title']}: no data for {target['expr']}")
            for one in series:
                name = re.sub(r'{{(\w+)}}', lambda m, one=one: one['metric'].get(m.group(1), ''),
                              target['legendFormat'])
                points = [(float(t), float(v)) for t, v in one['values'] if v not in ('NaN', '+Inf')]
                found.append((name, points))
        panels.append((panel, found))
    return panels


def selected(row, selector):
    """"response_ms.p99" of a row; raises KeyError where there is none."""
    for key in selector.split('.'):
        row = row[key]
    return row


def has(row, selector):
    try:
        selected(row, selector)
    except (KeyError, TypeError):
        return False
    return True


def result_panels(dashboard, result, failures):
    """Each panel with what its columns select, as the Infinity data source reads it."""
    panels = []
    for panel in dashboard['panels']:
        target, = panel['targets']
        rows = result[target['root_selector']]
        rows = rows if isinstance(rows, list) else [rows]
        columns = target['columns']
        missing = [one['selector'] for one in columns if not rows or not has(rows[0], one['selector'])]
        failures.check(not missing, f"{panel['title']}: the result has no {missing}")
        if missing:
            continue
        if panel['type'] == 'table':
            data = [one['text'] for one in columns], [[selected(row, one['selector']) for one in columns] for row in rows]
        else:
            times = [datetime.fromisoformat(row['t'].replace('Z', '+00:00')).timestamp() for row in rows]
            data = [(one['text'], [(t, row[one['selector']]) for t, row in zip(times, rows)
                                   if row[one['selector']] is not None]) for one in columns[1:]]
        panels.append((panel, data))
    return panels


def read_json(folder, name):
    with open(os.path.join(folder, name), encoding='utf-8') as file:
        return json.load(file)


def draw(folder, name, dashboard, panels):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name + '.svg'), 'w', encoding='utf-8') as file:
        file.write(picture.dashboard_svg(dashboard['title'], 'Drawn by test/prometheus from what the queries of the '
                                         "panels gave in a run of 30 s. Grafana's own look is another.", panels))


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    if not shutil.which('prometheus') or not shutil.which('promtool'):
        print('skipped: there is no prometheus here (Debian: apt-get install prometheus)')
        sys.exit(SKIPPED)
    pgtraffic, fake_server, dashboards = sys.argv[1:4]
    length = '30' if len(sys.argv) > 4 else '8'
    failures = Failures()
    with tempfile.TemporaryDirectory(prefix='pgtraffic-prometheus-', ignore_cleanup_errors=True) as folder, \
            ObservedRun(pgtraffic, fake_server, folder, ['--pattern', 'business-hours', '--peak-rate', '600', '-T', length,
                                                         '--interval', '0.5']) as run, \
            Prometheus(folder, run.target) as prometheus:
        start = time.time()
        prometheus.wait_for('pgtraffic_arrivals_started_total > 0')
        said = subprocess.run(['promtool', 'check', 'metrics'], input=run.get('metrics'), text=True,
                              capture_output=True, check=False)
        failures.check(said.returncode == 0 and said.stdout + said.stderr == '',
                       'promtool check metrics: ' + said.stdout + said.stderr)
        result = run.wait_for_end()
        prometheus.wait_for('pgtraffic_stage{stage="finished"} == 1')
        end = time.time() + 0.5  # the last step holds the last scrape
        counters = check_counters(prometheus, result, failures)
        live = read_json(dashboards, 'pgtraffic-live.json')
        panels = live_panels(prometheus, live, start, end, failures)
        finished = read_json(dashboards, 'pgtraffic-result.json')
        of_result = result_panels(finished, result, failures)
        if len(sys.argv) > 4:
            draw(sys.argv[4], 'pgtraffic-live', live, panels)
            draw(sys.argv[4], 'pgtraffic-result', finished, of_result)
    print(f'{counters} numbers, {len(panels) + len(of_result)} panels, {len(failures)} complaints')
    sys.exit(1 if failures else 0)


if __name__ == '__main__':
    main()
