"""A run against the fake server that listens, for tests that watch it from outside."""
import json
import os
import re
import subprocess
import urllib.request

SCENARIO = {'name': 'shop "probe"', 'operations': [
    {'name': 'look up', 'weight': 3, 'statements': [{'sql': 'SELECT 1'}]},
    {'name': 'say "hi"', 'statements': [{'sql': 'SELECT 2'}]}]}


def line_with(stream, pattern):
    """Reads until a line matches, and gives the match."""
    seen = []
    for line in stream:
        seen.append(line)
        found = re.search(pattern, line)
        if found:
            return found
    raise RuntimeError(f'no line like {pattern} in:\n' + ''.join(seen[-20:]))


def started(argv, **more):
    return subprocess.Popen(argv, text=True, stdin=subprocess.DEVNULL, **more)


class ObservedRun:
    """Gone with its scope; it lingers for longer than a test takes."""

    def __init__(self, pgtraffic, fake_server, folder, options):
        self._processes = [started([fake_server, '--delay', 'exp:4ms', '--fail-ratio', '0.03'], stdout=subprocess.PIPE)]
        port = line_with(self._processes[0].stdout, r'^ready (\d+)').group(1)
        scenario = os.path.join(folder, 'observed-scenario')
        with open(scenario, 'w', encoding='utf-8') as file:
            json.dump(SCENARIO, file)
        self._processes.append(started(
            [pgtraffic, 'run', '-d', f'host=127.0.0.1 port={port} user=fake dbname=fake sslmode=disable', '--warmup', '0',
             '-c', '6', '--scenario', scenario, '--listen', '0', '--linger', '10m', '--format', 'json', *options],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL))
        self.target = line_with(self._processes[1].stderr, r'http://(127\.0\.0\.1:\d+)/').group(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self._processes):
            process.kill()
            process.communicate()

    def get(self, path):
        with urllib.request.urlopen(f'http://{self.target}/{path}', timeout=10) as reply:
            return reply.read().decode()

    def wait_for_end(self):
        """Of the load. Gives the result."""
        line_with(self._processes[1].stderr, 'serving the result')
        return json.loads(self.get('result.json'))
