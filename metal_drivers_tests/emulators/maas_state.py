# SPDX-License-Identifier: Apache-2.0
"""What an emulated MAAS knows: machines, their BMCs, users, the rack."""

import dataclasses
import enum
import math
import secrets
from collections.abc import Sequence

# For the seconds of a change that does not happen.
NEVER = math.inf


class Status(enum.IntEnum):
    """The statuses of a machine; filters take the name in lower case."""

    NEW = 0
    COMMISSIONING = 1
    FAILED_COMMISSIONING = 2
    MISSING = 3
    READY = 4
    RESERVED = 5
    DEPLOYED = 6
    RETIRED = 7
    BROKEN = 8
    DEPLOYING = 9
    ALLOCATED = 10
    FAILED_DEPLOYMENT = 11
    RELEASING = 12
    RELEASING_FAILED = 13
    DISK_ERASING = 14
    FAILED_DISK_ERASING = 15
    RESCUE_MODE = 16
    ENTERING_RESCUE_MODE = 17
    FAILED_ENTERING_RESCUE_MODE = 18
    EXITING_RESCUE_MODE = 19
    FAILED_EXITING_RESCUE_MODE = 20
    TESTING = 21
    FAILED_TESTING = 22

    @property
    def label(self) -> str:
        """What ``status_name`` says."""
        return (
            self.name.replace('_', ' ')
            .capitalize()
            .replace('Failed entering', 'Failed to enter')
            .replace('Failed exiting', 'Failed to exit')
        )


class Rack(enum.Enum):
    """How the region reaches BMCs."""

    CONNECTED = 'connected'
    # 503 with Retry-After, for queries and power actions.
    NONE = 'none connected'
    # 503 too, in other words: those that are connected cannot reach it.
    NO_ACCESS = 'none can access the BMC'
    # A query is 500; a power action is 200 and nothing happens.
    LOST = 'connection lost'


class Effect(enum.Enum):
    """What a power action did to the machine."""

    ON = 'switched on'
    CYCLE = 'power-cycled: it was on'
    DEPLOY = 'deployed: it was allocated'
    REDEPLOY = 'deployed again: it was deployed into memory'
    OFF = 'switched off, hard'
    SOFT_OFF = 'asked to shut down'
    JOINED = 'nothing: the same action was in progress'
    MANUAL = 'nothing: the power type is manual'
    REFUSED = 'nothing: the API refused'
    FAILED = 'nothing: rack or BMC failed'


@dataclasses.dataclass(frozen=True)
class PowerAction:
    """A ``power_on`` or ``power_off`` that a known user asked for.

    :ivar at: seconds of the emulator's clock
    """

    system_id: str
    op: str
    user: str
    effect: Effect
    comment: str | None
    stop_mode: str | None
    at: float


@dataclasses.dataclass(frozen=True)
class Change:
    """A change of power under way.

    :ivar acts_at: when the BMC has carried out the command
    :ivar done_at: when the machine's power has changed
    :ivar gives_up_at: when MAAS stops to wait for that
    """

    target: str
    acts_at: float
    done_at: float
    gives_up_at: float


@dataclasses.dataclass(eq=False)
class Machine:
    """A machine and its BMC; tests may change any field at any time.

    :ivar power: what it really is: ``on`` or ``off``
    :ivar cached: ``power_state`` as lists show it: what the region last
        heard, maybe out of date; by default right at the beginning
    :ivar bmc_seconds: how long the BMC takes for each query and command;
        a query that takes longer than the region waits is 504
    :ivar on_seconds: until the machine is on after the BMC has acted;
        NEVER for a power_on that is lost
    :ivar off_seconds: the same, for both ways to switch it off
    :ivar soft_off_seconds: the same, where a soft off takes longer
    :ivar confirmed: False where MAAS takes the BMC's word and does not
        wait to see the change
    :ivar unreachable: the BMC answers nothing
    :ivar failing_queries: how many of the next queries the BMC fails
    :ivar conflicts: how often MAAS repeats each query and power action,
        as it does when others write to the machine's row in its database:
        the BMC is asked once more each time, within one request
    :ivar driver_missing: the rack lacks the software for the power type
    :ivar held: changes stay under way until ``MaasEmulator.release``
    :ivar actions: what was asked of it, in order
    """

    system_id: str
    hostname: str
    domain: str = 'lab.example.com'
    status: Status = Status.DEPLOYED
    power_type: str = 'ipmi'
    power: str = 'on'
    cached: str = ''
    owner: str | None = 'admin'
    locked: bool = False
    tags: Sequence[str] = ()
    zone: str = 'az1'
    pool: str = 'compute'
    ephemeral_deploy: bool = False
    status_message: str | None = None
    bmc_seconds: float = 0.0
    on_seconds: float = 0.0
    off_seconds: float = 0.0
    soft_off_seconds: float = 0.0
    confirmed: bool = True
    unreachable: bool = False
    failing_queries: int = 0
    conflicts: int = 0
    driver_missing: bool = False
    held: bool = False
    change: Change | None = None
    actions: list[PowerAction] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.cached:
            manual = self.power_type == 'manual'
            self.cached = 'unknown' if manual else self.power

    @property
    def fqdn(self) -> str:
        return f'{self.hostname}.{self.domain}'

    def settle(self, now: float) -> None:
        """Let happen what was due by ``now``."""
        change = self.change
        if change is None:
            return
        if now >= change.done_at:
            self.power = change.target
            # MAAS may have stopped looking before it happened.
            if change.done_at <= change.gives_up_at:
                self.cached = change.target
            self.change = None
        elif (
            change.done_at == NEVER
            and not self.held
            and now >= change.gives_up_at
        ):
            self.change = None

    def heard(self, state: str) -> None:
        """The region learns from the BMC what the power state is.

        For a machine that is being released, off is the end of that:
        measured for a query, [src] for the region's own.
        """
        self.cached = state
        if self.status is Status.RELEASING and state == 'off':
            self.status, self.owner = Status.NEW, None

    def in_progress(self, now: float) -> str | None:
        """The target of what MAAS is doing, None where it is nothing."""
        change = self.change
        if change is None or now >= change.gives_up_at:
            return None
        return change.target


@dataclasses.dataclass(frozen=True)
class User:
    """A user and his API key.

    :ivar token_secret: what must not be seen anywhere but in the
        ``Authorization`` of a request
    """

    name: str
    superuser: bool = False
    consumer_key: str = dataclasses.field(
        default_factory=lambda: secrets.token_hex(9)
    )
    token_key: str = dataclasses.field(
        default_factory=lambda: secrets.token_hex(9)
    )
    token_secret: str = dataclasses.field(
        default_factory=lambda: secrets.token_hex(16), repr=False
    )

    @property
    def apikey(self) -> str:
        """``consumer:token:secret``, as MAAS hands it to its user."""
        return f'{self.consumer_key}:{self.token_key}:{self.token_secret}'

    def sees(self, machine: Machine) -> bool:
        return self.superuser or machine.owner in (None, self.name)


@dataclasses.dataclass(eq=False)
class Region:
    """What concerns all machines; tests may change any field.

    :ivar series: the release, ``3.4`` or ``3.7``
    :ivar confirm: for how many seconds MAAS waits to see that a command
        had its effect; 3.7 answers 500 afterwards [src: 35 s]
    :ivar query_timeout: after how many seconds a query is 504
    :ivar reported: False: no controller has reported yet, so that the
        version is told as "None"
    :ivar images: False: what an allocated machine would be deployed with
        is not there
    :ivar clock_skew: how many seconds the region is ahead of its clients
    :ivar tags: tags that exist, besides those of machines; the same for
        zones and pools
    :ivar advertised_url: the address that the API's description gives,
        without a slash at the end; None for the one that was asked
    :ivar latency: seconds by kind of request: describe, version, whoami,
        list, machine, query, power
    :ivar machine_latency: seconds for each machine of a list, besides
    """

    series: str
    rack: Rack = Rack.CONNECTED
    rack_id: str = 'dyawnc'
    confirm: float = 35.0
    query_timeout: float = 60.0
    reported: bool = True
    images: bool = True
    clock_skew: float = 0.0
    tags: set[str] = dataclasses.field(default_factory=set)
    zones: set[str] = dataclasses.field(default_factory=set)
    pools: set[str] = dataclasses.field(default_factory=set)
    advertised_url: str | None = None
    latency: dict[str, float] = dataclasses.field(default_factory=dict)
    machine_latency: float = 0.0
