"""The controller of ACME on loopback, for tests and for trying out."""

import pathlib
import signal
import subprocess
import sys
import tempfile
import threading

from metal_drivers_tests.emulators import http, messages

TOKEN = 's3cret-t0ken'


class Controller(http.HttpEmulator):
    """Two sockets, a1 and a2. Both are on."""

    def __init__(self):
        super().__init__()
        self.power = {'a1': 'on', 'a2': 'on'}
        #: Whose relay does not answer.
        self.silent = set()
        #: What was asked for, in order, and what of it waits for `release`.
        self.commands = []
        self.waiting = None
        self._lock = threading.RLock()

    def routes(self):
        return (
            http.route('GET', '/sockets', self._list),
            http.route('GET', '/sockets/(?P<key>.+)', self._show),
            http.route('PUT', '/sockets/(?P<key>.+)', self._switch),
        )

    def before(self, request):
        if request.headers.get('X-Token') != TOKEN:
            raise messages.Refusal(messages.json_reply({}, 401))

    def hold(self):
        """Accept what is asked for, and do it when it is released."""
        self.waiting = []

    def release(self):
        with self._lock:
            waiting, self.waiting = self.waiting or [], None
            self.power.update(waiting)

    def _list(self, request):
        with self._lock:
            return messages.json_reply([*map(self._view, self.power)])

    def _show(self, request, key):
        with self._lock:
            if key not in self.power:
                return messages.json_reply({}, 404)
            return messages.json_reply(self._view(key))

    def _switch(self, request, key):
        with self._lock:
            if key in self.silent:
                return messages.json_reply({}, 503)
            if key in self.power:
                change = (key, request.json()['power'])
                self.commands.append(change)
                if self.waiting is None:
                    self.power.update([change])
                else:
                    self.waiting.append(change)
            return self._show(request, key)

    def _view(self, key):
        power = 'unknown' if key in self.silent else self.power[key]
        return {'id': key, 'label': f'compute-{key}', 'power': power}


def main(command):
    """Run ``metal-drivers COMMAND`` with a controller that is there for as
    long as it takes."""
    with Controller() as controller, tempfile.TemporaryDirectory() as home:
        conf = pathlib.Path(home, 'acme.conf')
        conf.write_text(
            '[watcher.metal.drivers.acme]\n'
            f'url = {controller.url}\n'
            f'token = {TOKEN}\n'
        )
        options = ['metal-drivers', f'--config-file={conf}', *command]
        return subprocess.run(options, check=False).returncode


if __name__ == '__main__':
    # Ctrl-C is for the command: it brings the node back.
    signal.signal(signal.SIGINT, lambda *received: None)
    sys.exit(main(sys.argv[1:]))
