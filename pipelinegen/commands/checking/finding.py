"""What a check found: one line, the reason, and the command that mends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipelinegen.errors import PipelinegenError

State = Literal["ok", "bad", "unsure"]


@dataclass(frozen=True, slots=True)
class Finding:
    """subject: what was looked at.  state: "unsure" is what could not be asked, or works but deserves a look.

    why: what was seen.  mend: what to type, or where to go; empty where nothing has to be done.
    """

    subject: str
    state: State
    why: str
    mend: str = ""
    details: Sequence[str] = ()

    def data(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "state": self.state,
            "why": self.why,
            "mend": self.mend,
            "details": list(self.details),
        }


def failed(subject: str, error: PipelinegenError) -> Finding:
    """What an error of ours says, as a finding."""
    why = f"{error.where}: {error.what}" if error.where else error.what
    return Finding(subject, "bad", why, error.next or "", error.details)
