# SPDX-License-Identifier: Apache-2.0
"""The machines of an emulated MAAS, and what was asked of them."""

import itertools
import threading

from metal_drivers_tests.emulators.maas_state import Machine, PowerAction

# MAAS makes its system_ids of these.
_ALPHABET = 'abcdefghkmnpqrstwxy34678'


class Fleet:
    """Machines in the order of their making, and what was done to them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.acted = threading.Condition(self.lock)
        self.machines: dict[str, Machine] = {}
        self.actions: list[PowerAction] = []
        self._numbers = itertools.count(1)

    def add(self, machine: Machine) -> None:
        with self.lock:
            self.machines[machine.system_id] = machine

    def make(
        self, system_id: str = '', hostname: str = '', **fields: object
    ) -> Machine:
        with self.lock:
            number = next(self._numbers)
            machine = Machine(
                system_id or _system_id(number),
                hostname or f'compute-{number}',
                **fields,  # type: ignore[arg-type]
            )
            self.add(machine)
            return machine

    def record(self, machine: Machine, action: PowerAction) -> None:
        with self.lock:
            machine.actions.append(action)
            self.actions.append(action)
            self.acted.notify_all()


def _system_id(number: int) -> str:
    letters = ''
    for _ in range(6):
        number, rest = divmod(number, len(_ALPHABET))
        letters = _ALPHABET[rest] + letters
    return letters
