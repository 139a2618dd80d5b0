"""What the later steps of a CI job are told of a bump: outputs, a summary, a dotenv file."""

from __future__ import annotations

import os
from collections.abc import Sequence

from pipelinegen.commands.local import Delivery
from pipelinegen.manifests.plan import Plan

_MARKS = ("GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "JENKINS_HOME")


def tell_ci(results: Sequence[tuple[Plan, Delivery]], result: str, command: str = "bump") -> None:
    """Write the facts where this CI reads them; outside CI nothing is written."""
    if not any(mark in os.environ for mark in _MARKS):
        return
    from pipelinegen.edge.ci import read_ci, write_outputs, write_summary

    ci = read_ci(os.environ)
    delivery = results[-1][1]
    pull = delivery.pull_request or {}
    facts = {
        "result": result,
        "changed": "true" if any(plan.edits for plan, _ in results) else "false",
        "branch": delivery.branch or "",
        "commit": delivery.commit or "",
        "pull-request-number": str(pull.get("number", "")),
        "pull-request-url": str(pull.get("url", "")),
    }
    write_outputs(ci, facts)
    if ci.summary_file:
        write_summary(ci, _summary(results, result, command))


def _summary(results: Sequence[tuple[Plan, Delivery]], result: str, command: str) -> str:
    from pipelinegen.markdown import escaped, link, span

    lines = [f"### pipelinegen {command}: {escaped(result)}", ""]
    for plan, delivery in results:
        pull = delivery.pull_request
        if pull:
            lines += [f"{escaped(str(pull['state']))}: {link(str(pull['url']), str(pull['url']))}", ""]
        if plan.edits:
            # A list, not a table: no spelling of a pipe keeps it inside a cell in every renderer.
            lines += [
                f"- {span(f'{edit.file}:{edit.line}')}: {span(edit.before)} → {span(edit.after)}" for edit in plan.edits
            ]
            lines.append("")
        lines += [f"- {span(f'{skip.file}:{skip.line}')}: {escaped(skip.reason)}" for skip in plan.skipped if skip.warn]
    return "\n".join(lines) + "\n"
