"""python-gitlab, with its requests sent through our pinned session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelinegen.redact import Secret

if TYPE_CHECKING:
    import requests
    from gitlab import Gitlab

    from pipelinegen.edge.http import Session


def connect(api: str, token: Secret, session: Session) -> Gitlab:
    """A client whose every request goes through the session, or nowhere.

    The token goes as a Bearer, which GitLab takes for personal, project, group and OAuth tokens alike.
    """
    import gitlab

    class Through:
        """What python-gitlab takes for a requests.Session: timeouts and certificates are our session's own."""

        def request(self, method: str, url: str, **sent: Any) -> requests.Response:
            kept = {name: sent.get(name) for name in ("params", "headers", "data", "json", "auth")}
            return session.request(method, url, **kept)

        def close(self) -> None:
            session.close()

    return gitlab.Gitlab(
        api.removesuffix("/api/v4"),
        oauth_token=token.value,
        user_agent="pipelinegen",
        retry_transient_errors=False,
        keep_base_url=True,
        session=Through(),
    )
