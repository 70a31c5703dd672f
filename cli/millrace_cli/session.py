"""What every verb is given: where the services are, how long a call may take, how results are printed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from millrace_cli import addresses, contexts
from millrace_cli.addresses import Asked
from millrace_cli.output_form import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of a verb."""

    asked: Asked = field(default_factory=Asked)
    timeout_seconds: float = 10.0
    output: Output = Output.TABLE

    def addresses(self) -> contexts.Context:
        """Where the services are. Raises UsageFailed."""
        return addresses.resolve(self.asked, contexts.load(contexts.path()), os.environ)
