"""`pipelinegen bump`: change image references in the manifest repository and deliver the change."""

from __future__ import annotations

from pipelinegen.commands.asked import (
    BumpOptions,
    built_images,
    candidate,
    configuration,
    is_remote,
    repository_of,
    requests_of,
    selection_of,
    url_of,
)
from pipelinegen.commands.effects import tell_effects
from pipelinegen.commands.facts import tell_ci
from pipelinegen.commands.judge import judge
from pipelinegen.commands.local import Delivery, deliver_here
from pipelinegen.commands.planned import plan_of
from pipelinegen.commands.show import document, result_of, show
from pipelinegen.edge.worktree import Worktree
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.splice import apply
from pipelinegen.report import Report


def run(options: BumpOptions, report: Report) -> int:
    """The exit code of a bump. Raises PipelinegenError."""
    config = configuration(options.directory)
    built = built_images(options)
    requests = requests_of(options, config, built)
    selection = selection_of(options, config)
    repository = repository_of(options, config)
    if is_remote(repository) or options.deliver in {"push", "pull-request"}:
        from pipelinegen.commands.bump_remote import bump_remote

        return bump_remote(options, config, url_of(repository), requests, built, report)
    if options.pin_digest or options.verify_image:
        from pipelinegen.commands.verifying import settle

        pin = bool(options.pin_digest)
        requests = settle(requests, verify=options.verify_image, pin=pin, by_default=False, report=report)
    tree = Worktree(repository, candidate(selection))
    sources = Sources(tree)
    plan = plan_of(sources, requests, options, selection)
    judge(plan, tree, options, selection)
    contents = apply(plan, sources)
    show(plan, sources, options, report)
    effects = tell_effects(plan, contents, sources, options, selection, report)
    delivery = Delivery(options.deliver or "worktree")
    if contents and not options.dry_run:
        delivery = deliver_here(tree, contents, plan, delivery, report)
    tell_ci([(plan, delivery)], result_of([plan]))
    report.document({**document(plan, delivery), **effects})
    return 1 if options.exit_code and plan.edits else 0
