"""PyGithub, with its connections replaced by our pinned session and its own retries and waits switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelinegen.redact import Secret

if TYPE_CHECKING:
    from github.Requester import Requester

    from pipelinegen.edge.http import Session


def connect(api: str, token: Secret, session: Session) -> Requester:
    """PyGithub's requester (login, errors, GraphQL), whose every request goes through the session, or nowhere."""
    from github.Auth import Token
    from github.Requester import Requester, RequestsResponse

    class Connection:
        """What PyGithub takes for a connection to a host: here, a request to our one origin, or an error."""

        def __init__(self, host: str, port: int | None = None, **_: Any) -> None:
            self.host = host
            self._port = port

        def request(self, verb: str, url: str, input: Any, headers: dict[str, str], stream: bool = False) -> None:
            del stream  # answers are bounded, and always whole
            self._pending = (verb, url, input, headers)

        def getresponse(self) -> RequestsResponse:
            verb, path, content, headers = self._pending
            scheme = session.origin.partition("://")[0]
            host = f"[{self.host}]" if ":" in self.host else self.host
            port = f":{self._port}" if self._port else ""
            return RequestsResponse(
                session.request(verb, f"{scheme}://{host}{port}{path}", headers=headers, data=content)
            )

        def close(self) -> None:
            """The session outlives the connections that PyGithub makes and drops."""

    # Requester takes the class when it is made, so a second client keeps to its own session. The class stays set
    # for whatever else PyGithub would connect to (an absolute URL in an answer): our session refuses that.
    Requester.injectConnectionClasses(Connection, Connection)  # type: ignore[arg-type]
    return Requester(
        auth=Token(token.value),
        base_url=api,
        timeout=30,  # of a connection that is never made; the session has its own
        user_agent="pipelinegen",
        per_page=100,
        verify=True,
        retry=None,
        pool_size=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )
