"""The checks of `doctor` on the way from the credentials to an answer of the service."""

import ssl
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from wfinspect.clock import Clock
from wfinspect.commands.binding import bind
from wfinspect.commands.finding import Check, Found, warning
from wfinspect.config import Settings
from wfinspect.dataworks import connector
from wfinspect.dataworks.client import DataWorksClient
from wfinspect.dataworks.credentials import CredentialsSource
from wfinspect.dataworks.diagnosis import Hop, first_hop, reach, reach_through_proxy, resolve
from wfinspect.dataworks.network import tls_context
from wfinspect.dataworks.profiles import identify
from wfinspect.errors import BadRequest, NotFound, Refused, WfInspectError
from wfinspect.format import duration
from wfinspect.instance import Binding, InstanceId, WorkflowInstance
from wfinspect.paths import home_of

_NOBODY = InstanceId(1)
"""An ID that no instance has: the service counts up from ten digits."""
_EXPIRES_SOON = 14 * 86_400
_GOOD_CLOCK_SECONDS = 60.0


class ServiceChecks:
    """The checks in their order; each uses what those before it found."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        clock: Clock,
        watched: Callable[[Binding], Sequence[WorkflowInstance]],
    ) -> None:
        """Ask nothing yet; `watched` gives what is known of the watched instances of a binding."""
        self._settings = settings
        self._environ = environ
        self._clock = clock
        self._watched = watched
        self._binding: Binding | None = None
        self._client: DataWorksClient | None = None
        self._addresses: Sequence[str] = ()
        self._has_keys = False
        self.calls: Counter[Binding] = Counter()
        """The requests that went out."""

    def checks(self) -> list[Check]:
        """From the credentials to the permissions."""
        return [
            Check("credentials", self._check_credentials),
            Check("endpoint", self._check_endpoint),
            Check("dns", self._check_dns),
            Check("tcp", self._check_tcp),
            Check("tls", self._check_tls),
            Check("GetWorkflowInstance", self._check_get),
            Check("ListWorkflowInstances", self._check_list),
            Check("clock", self._check_clock),
        ]

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    @property
    def binding(self) -> Binding:
        """What new instances are bound to; raises WfInspectError if that could not be decided."""
        if self._binding is None:
            raise WfInspectError("Not tried, since there is no endpoint: see above.")
        return self._binding

    async def _check_credentials(self) -> Found:
        home = home_of(self._environ)
        identity = identify(self._settings.profile, self._environ, home)
        keys = await CredentialsSource(identity.profile, self._environ, home).current()
        self._has_keys = True
        kind = "temporary key" if keys.security_token else "key"
        return Found(f"{kind} {keys.masked_id}, profile {identity.profile} ({identity.source})")

    async def _check_endpoint(self) -> Found:
        bound = bind(self._settings, self._environ)
        self._binding = bound.binding
        return Found(f"{self.binding.endpoint}, {self.binding.region} ({bound.region_source})")

    async def _check_dns(self) -> Found:
        hop = self._hop()
        self._addresses = await resolve(hop)
        through = "the proxy " if hop.is_proxy else ""
        return Found(f"{through}{hop.host} is {', '.join(self._addresses[:3])}")

    async def _check_tcp(self) -> Found:
        hop, began = self._hop(), self._clock.monotonic()
        address, _ = await reach(hop, self._resolved)
        return Found(f"{address} port {hop.port}, {self._milliseconds(began)}")

    async def _check_tls(self) -> Found:
        hop = self._hop()
        if not hop.has_tls:
            return Found("not tried here: plain http on this machine")
        context, through = tls_context(self._environ), ""
        if hop.is_proxy:
            peer = await reach_through_proxy(self.binding.endpoint, self._environ, context)
            through = "through the proxy, "
        else:
            _, peer = await reach(hop, self._resolved, context)
        certificate = peer.getpeercert() or {}
        expires = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
        text = f"{through}{peer.version()}, certificate valid until {datetime.fromtimestamp(expires, UTC):%Y-%m-%d}"
        if expires - self._clock.now().timestamp() < _EXPIRES_SOON:
            return warning(f"{text}: if it is a proxy's of your company, tell its administrator.")
        return Found(text)

    async def _check_get(self) -> Found:
        known = self._watched(self.binding)
        wanted = known[0].id if known else _NOBODY
        client, began = await self._open(), self._clock.monotonic()
        try:
            instance = await client.get_workflow_instance(wanted)
        except NotFound as error:
            if known:
                return warning(f"permitted, {self._milliseconds(began)}; {error}")
            return Found(f"permitted, {self._milliseconds(began)}")
        except BadRequest as error:
            return warning(f"answered, {self._milliseconds(began)}; {error}")
        return Found(f"permitted, {self._milliseconds(began)}; {wanted} is {instance.status}")

    async def _check_list(self) -> Found:
        known = [i for i in self._watched(self.binding) if i.project_id and i.biz_date]
        if not known:
            return Found("not tried: it takes a watched instance that was read before")
        client, began = await self._open(), self._clock.monotonic()
        one = known[0]
        try:
            listed = await client.list_workflow_instances(
                [one.id],
                project_id=one.project_id or 0,
                biz_date=one.biz_date or 0,
                env_type=one.env_type,
            )
        except (Refused, BadRequest, NotFound) as error:
            return warning(f"{error} Until then each instance costs a call of its own.")
        if one.id not in {each.id for each in listed}:
            return warning(f"answered without {one.id}: it is asked for by a call of its own.")
        return Found(f"permitted, {self._milliseconds(began)}")

    async def _check_clock(self) -> Found:
        skew = None if self._client is None else self._client.skew_seconds
        if skew is None:
            raise WfInspectError("Not known, since no answer came: see above.")
        off = duration(abs(skew))
        if abs(skew) < _GOOD_CLOCK_SECONDS:
            return Found(f"within {off} of the service's")
        return warning(
            f"This machine's clock is {off} {'behind' if skew > 0 else 'ahead of'} the "
            "service's: set it, for instance with `timedatectl set-ntp true`. Calls are signed "
            "with the service's time as far as it can be trusted."
        )

    def _hop(self) -> Hop:
        return first_hop(self.binding.endpoint, self._environ)

    @property
    def _resolved(self) -> Sequence[str]:
        if not self._addresses:
            raise WfInspectError("Not tried, since the name has no address: see above.")
        return self._addresses

    async def _open(self) -> DataWorksClient:
        if not self._has_keys:
            raise WfInspectError("Not tried, since there are no keys to sign with: see above.")
        if self._client is None:
            connect = connector(self._environ, home_of(self._environ), self._clock)
            self._client = await connect(self.binding, lambda: self.calls.update([self.binding]))
        return self._client

    def _milliseconds(self, began: float) -> str:
        return f"{(self._clock.monotonic() - began) * 1000:.0f} ms"
