#!/usr/bin/python3
"""The pages of `pgtraffic report`, `pgtraffic compare` and `--listen` in headless Chromium, by its debugging pipe.

For each sample result, on a desktop and on a phone, light and dark: nothing on the console, no request but for the
file itself, every canvas painted, no sideways scrolling, every number equal to the JSON at its place, and the
download equal to the result byte for byte. The live page is watched until the run has ended: it asks the program
that served it and nobody else, and its figures are the result's. Ends with 77 where there is no Chromium, which ctest shows as skipped.

usage: page_test.py PGTRAFFIC WRITE_SAMPLES FAKE_SERVER [FOLDER]   (FOLDER keeps pages and screenshots, to be looked at)
"""
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from observed_run import ObservedRun

SKIPPED = 77

# Resolves once the page's script has drawn everything, or given up.
READY = """new Promise((done) => {
    const root = document.documentElement;
    const look = () => root.dataset.ready ? done(root.dataset.ready) : null;
    new MutationObserver(look).observe(root, { attributes: true });
    look();
})"""

CANVASES = """[...document.querySelectorAll('.chart')].map((chart) => {
    const canvas = chart.querySelector('canvas');
    if (!canvas || canvas.width === 0) return { id: chart.id, colors: 0 };
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    const colors = new Set();
    for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3] > 40) colors.add(pixels.slice(i, i + 3).join());
    return { id: chart.id, colors: colors.size };
})"""

# Resolves once the page says that the run has ended and has drawn its last interval.
ENDED = """new Promise((done) => {
    const look = () => document.getElementById('result').hidden ? null : setTimeout(done, 200);
    new MutationObserver(look).observe(document.body, { attributes: true, childList: true, subtree: true });
    look();
})"""

LIVE_FIGURES = """Object.fromEntries([...document.querySelectorAll('#now div')].map((one) =>
    [one.querySelector('dt').textContent, one.querySelector('.big').textContent]))"""

# Figures that are wider than their place, and texts like SQL in a place too narrow to read them.
NARROW = """[...document.querySelectorAll('.figures .big')].filter((one) => one.scrollWidth > one.closest('div').clientWidth + 1)
    .concat([...document.querySelectorAll('main pre')].filter((one) => one.clientWidth < 280)).map((one) => one.textContent)"""

NUMBERS = """[...document.querySelectorAll('data')].map((one) => [one.dataset.path, one.value, one.textContent])"""


class Browser:
    """Chromium with its debugging pipe: commands on its descriptor 3, answers and events on 4, NUL behind each."""

    def __init__(self, program, profile):
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()

        def hand_over():
            # Both numbers may be taken by the other pipe end: move out of the way first.
            read_end, write_end = os.dup(to_browser), os.dup(from_browser)
            spare = os.dup2(read_end, 60), os.dup2(write_end, 61)
            os.dup2(spare[0], 3)
            os.dup2(spare[1], 4)

        self._process = subprocess.Popen(
            [program, '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
             '--disable-background-networking', '--disable-component-update', '--disable-sync', '--hide-scrollbars',
             '--disable-dev-shm-usage', '--user-data-dir=' + profile, '--remote-debugging-pipe', 'about:blank'],
            preexec_fn=hand_over, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = b''
        self._last = 0
        self.session = None
        self.events = []
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(domain + '.enable')

    def _message(self):
        while b'\0' not in self._buffer:
            got = os.read(self._in, 1 << 16)
            if not got:
                raise RuntimeError('the browser is gone')
            self._buffer += got
        text, self._buffer = self._buffer.split(b'\0', 1)
        return json.loads(text)

    def call(self, method, **params):
        self._last += 1
        command = {'id': self._last, 'method': method, 'params': params}
        if self.session:
            command['sessionId'] = self.session
        data = json.dumps(command).encode() + b'\0'
        while data:
            data = data[os.write(self._out, data):]
        while True:
            message = self._message()
            if message.get('id') == self._last:
                if 'error' in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message['result']
            if 'method' in message:
                self.events.append(message)

    def wait_for(self, method):
        while True:
            for event in self.events:
                if event['method'] == method:
                    return
            message = self._message()
            if 'method' in message:
                self.events.append(message)

    def value(self, expression):
        answer = self.call('Runtime.evaluate', expression=expression, awaitPromise=True, returnByValue=True)
        if 'exceptionDetails' in answer:
            raise RuntimeError(answer['exceptionDetails']['text'])
        return answer['result'].get('value')

    def end(self):
        self._process.kill()
        self._process.wait()


def fail(page, what):
    print(f'{page}: {what}')
    fail.count += 1


fail.count = 0


def at_pointer(document, pointer):
    for part in pointer.split('/')[1:]:
        document = document[int(part) if isinstance(document, list) else part]
    return document


def check_numbers(browser, page, result):
    numbers = browser.value(NUMBERS)
    if len(numbers) < 5:
        fail(page, f'only {len(numbers)} numbers')
    for path, value, text in numbers:
        if float(value) != at_pointer(result, path):
            fail(page, f'{path} reads {value}, the result has {at_pointer(result, path)}')
        if not text or 'NaN' in text or 'nan' in text:
            fail(page, f'{path} reads "{text}"')


def check_console(browser, page, url):
    for event in browser.events:
        params = event['params']
        if event['method'] == 'Runtime.exceptionThrown':
            fail(page, 'exception: ' + json.dumps(params['exceptionDetails'])[:500])
        elif event['method'] == 'Runtime.consoleAPICalled':
            fail(page, 'console: ' + json.dumps(params['args'])[:500])
        elif event['method'] == 'Log.entryAdded':
            fail(page, 'log: ' + params['entry']['text'])
        elif event['method'] == 'Network.requestWillBeSent':
            target = params['request']['url']
            allowed = url.startswith('http:') and target == url + 'events'
            if target.split('#')[0] != url and not allowed and not target.startswith(('data:', 'blob:')):
                fail(page, 'request: ' + target)


def check_keyboard(browser, page):
    """An arrow key on a chart reads all charts of its group."""
    if not browser.value("!!document.querySelector('.chart canvas')"):
        return
    if not browser.value("!!document.querySelector('.plot[tabindex]')"):
        fail(page, 'no chart takes the focus')
        return
    browser.value("document.querySelector('.plot[tabindex]').focus()")
    for _ in range(2):
        for kind in ('keyDown', 'keyUp'):
            browser.call('Input.dispatchKeyEvent', type=kind, key='ArrowRight', code='ArrowRight')
    read = browser.value("[...document.querySelectorAll('.key output')].filter((one) => one.textContent !== '').length")
    if read == 0:
        fail(page, 'the arrow keys read nothing')
    # Where nobody sees the keys it is said: in a live region, with a value, by a chart that has a name.
    said = browser.value("[...document.querySelectorAll('[role=status]')].map((one) => one.textContent).join(' ')")
    if not re.search(r', .*\d', said):
        fail(page, 'the arrow keys say nothing: ' + said)
    names = browser.value("[...document.querySelectorAll('.plot[tabindex]')].map((one) => one.getAttribute('aria-label'))")
    if len(set(names)) != len(names):
        fail(page, 'charts of one name: ' + ', '.join(names))
    # A quantile between two points of a distribution is the upper one's value, not the lower one's.
    if browser.value('page.quantileAt([{ x: 1, y: 1 }, { x: 2, y: 5 }], 1.5).y') != 5:
        fail(page, 'quantiles are read too low')
    browser.value('document.activeElement.blur()')


def open_page(browser, url, width, height, scheme):
    browser.events.clear()
    browser.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1,
                 mobile=width < 600)
    browser.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': scheme}])
    browser.call('Page.navigate', url=url)
    browser.wait_for('Page.loadEventFired')
    return browser.value(READY)


def check_looks(browser, page, width, ready):
    if ready != 'yes':
        fail(page, 'no charts: ' + str(browser.value("document.querySelector('.no-charts').textContent")))
    for canvas in browser.value(CANVASES):
        if canvas['colors'] < 2:
            fail(page, f"{canvas['id']} is empty")
    wide = browser.value('document.documentElement.scrollWidth')
    if wide > width:
        fail(page, f'scrolls sideways: {wide} wide')
    for narrow in browser.value(NARROW):
        fail(page, f'too narrow for "{narrow[:60]}"')
    if browser.value('typeof window.pwned') != 'undefined':
        fail(page, 'a text of the server was run')


def keep_picture(browser, folder, name):
    if not folder:
        return
    shot = browser.call('Page.captureScreenshot', captureBeyondViewport=True)
    with open(os.path.join(folder, name + '.png'), 'wb') as file:
        file.write(base64.b64decode(shot['data']))


def check_page(browser, path, result_path, folder, download):
    name = os.path.basename(path)
    for width, height, scheme in ((1280, 900, 'light'), (1280, 900, 'dark'), (390, 844, 'light'), (390, 844, 'dark')):
        page = f'{name} at {width} {scheme}'
        url = 'file://' + path
        check_looks(browser, page, width, open_page(browser, url, width, height, scheme))
        check_keyboard(browser, page)
        if download and width == 1280:
            with open(result_path, 'rb') as file:
                raw = file.read()
            check_numbers(browser, page, json.loads(raw))
            got = browser.value("new Promise((done) => { const reader = new FileReader(); reader.onload = () => "
                                "done(reader.result); reader.readAsDataURL(page.download); })")
            if base64.b64decode(got.split(',', 1)[1]) != raw:
                fail(page, 'the download is not the result')
        check_console(browser, page, url)
        keep_picture(browser, folder, f'{name}-{width}-{scheme}')


def check_live_page(browser, run, folder):
    url = f'http://{run.target}/'
    ready = open_page(browser, url, 1280, 900, 'light')
    browser.value(ENDED)
    result = json.loads(run.get('result.json'))
    queries = result['summary']['queries']
    figures = browser.value(LIVE_FIGURES)
    for name, number in (('Succeeded', queries['ok'] + queries['empty']),
                         ('Failed', queries['failed'] + queries['timed_out']), ('Waiting', queries['waiting'])):
        if figures[name] != f'{number:,}':
            fail('live', f'{name} reads {figures[name]}, the result has {number}')
    table = browser.value("[...document.querySelectorAll('#operations tbody tr')].map((row) => row.children[0].textContent)")
    if table != [one['name'] for one in result['operations']]:
        fail('live', f'the operations read {table}')
    check_keyboard(browser, 'live')
    for width, scheme in ((1280, 'light'), (1280, 'dark'), (390, 'light')):
        page = f'live at {width} {scheme}'
        if (width, scheme) != (1280, 'light'):  # anew, as one who comes late
            ready = open_page(browser, url, width, 900, scheme)
            browser.value(ENDED)
        check_looks(browser, page, width, ready)
        check_console(browser, page, url)
        keep_picture(browser, folder, f'live-{width}-{scheme}')


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    chromium = shutil.which('chromium') or shutil.which('chromium-browser')
    if not chromium:
        print('skipped: there is no chromium here (Debian: apt-get install chromium)')
        sys.exit(SKIPPED)
    pgtraffic, write_samples, fake_server = sys.argv[1:4]
    keep = sys.argv[4] if len(sys.argv) > 4 else None
    if keep:
        os.makedirs(keep, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='pgtraffic-page-', ignore_cleanup_errors=True) as folder:
        work = os.path.abspath(keep) if keep else folder
        subprocess.run([write_samples, work], check=True)
        samples = sorted(name for name in os.listdir(work) if name.endswith('.json'))
        browser = Browser(chromium, os.path.join(folder, 'profile'))
        try:
            for sample in samples:
                result = os.path.join(work, sample)
                path = result[:-len('.json')] + '.html'
                subprocess.run([pgtraffic, 'report', result, '--html', path], check=True)
                check_page(browser, path, result, keep, True)
            path = os.path.join(work, 'compare.html')
            subprocess.run([pgtraffic, 'compare', os.path.join(work, 'open.json'), os.path.join(work, 'hour.json'),
                            os.path.join(work, 'hostile.json'), '--anyway', '--html', path], check=True,
                           stdout=subprocess.DEVNULL)
            check_page(browser, path, None, keep, False)
            options = ['--pattern', 'business-hours', '--peak-rate', '400', '-T', '6', '--interval', '0.5']
            with ObservedRun(pgtraffic, fake_server, folder, options) as run:
                check_live_page(browser, run, keep)
        finally:
            browser.end()
    print(f'{len(samples) + 2} pages, {fail.count} complaints')
    sys.exit(1 if fail.count else 0)


if __name__ == '__main__':
    main()
