"""`pipelinegen build` against a real registry, by the built-in engine: once for equal inputs, nothing untested."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.registry import Reply, Request, RunningRegistry, Server, flaky, start_registry
from tests.support.repos import git
from tests.support.shop import Shop, commit, config_in, manifest_in, open_shop, tags_in, writes

OCI = "org.opencontainers.image."
APPLES = '{"apples": 3}\n'


class Faults:
    """A proxy before the registry that counts, and answers itself where it is told to."""

    def __init__(self) -> None:
        self.reply = Reply(500, b"out of order")
        self.pattern: str | None = None

    def __call__(self, _: int, request: Request) -> Reply | None:
        struck = self.pattern is not None and re.search(self.pattern, f"{request.method} {request.path}")
        return self.reply if struck else None


class There:
    """What the registry holds for one test, asked past the proxy."""

    def __init__(self, host: str, prefix: str) -> None:
        self.host, self.prefix = host, prefix

    def tags(self, image: str = "catalog") -> dict[str, str]:
        return tags_in(self.host, f"{self.prefix}/shop/{image}")

    def named(self, image: str = "catalog") -> set[str]:
        """The tags but that of the inputs."""
        return {tag for tag in self.tags(image) if not tag.startswith("src-")}

    def config(self, name: str, image: str = "catalog") -> dict[str, object]:
        return config_in(self.host, f"{self.prefix}/shop/{image}", name)

    def annotations(self, name: str, image: str = "catalog") -> dict[str, str]:
        found: dict[str, str] = manifest_in(self.host, f"{self.prefix}/shop/{image}", name)["annotations"]
        return found


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with start_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def proxy(registry: RunningRegistry, faults: Faults) -> Iterator[Server]:
    with flaky(registry.host, faults) as server:
        yield server


@pytest.fixture
def there(registry: RunningRegistry) -> There:
    return There(registry.host, f"t{secrets.token_hex(6)}")


@pytest.fixture
def shop(
    tmp_path: Path, proxy: Server, there: There, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shop:
    return open_shop(tmp_path, f"{proxy.host}/{there.prefix}", monkeypatch, capsys)


def test_an_image_is_built_tested_pushed_and_told(shop: Shop, there: There) -> None:
    ran = shop.build("catalog", "--junit", "out")
    assert ran.code == 0, ran.err
    tags = there.tags()
    assert set(tags) == {"main", shop.sha_tag, *[tag for tag in tags if re.fullmatch("src-[0-9a-f]{40}", tag)]}
    assert len(tags) == 3
    (digest,) = set(tags.values())
    assert ran.out == f"{shop.host}/shop/catalog:{shop.sha_tag}@{digest}\n"
    (image,) = shop.metadata["images"]
    assert image["reference"] == ran.out.strip()
    assert (image["result"], image["engine"], image["tests"]["passed"]) == ("built", "oci", 4)
    assert image["source"] == {"revision": shop.head, "url": None}
    suite = ET.parse(shop.folder / "out" / "catalog.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("4", "0")


def test_it_says_what_it_is_in_labels_and_annotations(shop: Shop, there: There) -> None:
    assert shop.build("catalog", "--source-url", "https://github.com/acme/shop").code == 0
    labels = there.config("main")["config"]["Labels"]  # type: ignore[index]
    when = git(shop.folder, "log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ").decode().strip()
    assert labels == {
        f"{OCI}title": "shop",
        f"{OCI}url": "https://github.com/acme/shop",
        f"{OCI}source": "https://github.com/acme/shop",
        f"{OCI}version": "main",
        f"{OCI}created": when,
        f"{OCI}revision": shop.head,
    }
    annotations = there.annotations("main")
    assert annotations == {**labels, **{key: annotations[key] for key in annotations if key.startswith("dev.")}}
    (source,) = [tag for tag in there.tags() if tag.startswith("src-")]
    assert annotations["dev.pipelinegen.inputs"].startswith(source.removeprefix("src-"))


def test_skopeo_agrees_about_the_digest(shop: Shop, there: There) -> None:
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed: apt-get install -y --no-install-recommends skopeo")
    ran = shop.build("catalog")
    reference = f"docker://{there.host}/{there.prefix}/shop/catalog:main"
    said = subprocess.run(["skopeo", "inspect", "--tls-verify=false", reference], capture_output=True, check=True)
    assert json.loads(said.stdout)["Digest"] == ran.out.strip().partition("@")[2]


def test_again_it_is_unchanged_for_a_request_a_tag(shop: Shop, proxy: Server) -> None:
    first = shop.build("catalog")
    proxy.requests.clear()
    again = shop.build("catalog", engine="")
    assert (again.code, again.out) == (0, first.out)
    assert "unchanged" in again.err
    assert "engine" not in again.err  # none is looked for
    assert shop.metadata["result"] == "unchanged"
    assert writes(proxy) == []
    assert len(proxy.requests) <= 2 + 2


def test_a_commit_that_changes_nothing_of_it_puts_its_tag_on_the_same_image(
    shop: Shop, there: There, proxy: Server
) -> None:
    shop.build("catalog")
    before = there.tags()
    shop.commit({"README.md": "# Shop\n"})
    proxy.requests.clear()
    ran = shop.build("catalog")
    assert ran.code == 0
    # The inputs and two tags are asked for; then the manifest is read, put under the new tag, and read back.
    assert [request.method for request in proxy.requests] == ["HEAD", "HEAD", "HEAD", "GET", "PUT", "HEAD"]
    assert there.tags() == {**before, shop.sha_tag: before["main"]}
    assert shop.metadata["images"][0]["tags"] == ["main", shop.sha_tag]
    assert shop.metadata["images"][0]["source"]["revision"] == shop.head


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"catalog/items/more.json": "{}"}, id="a file"),
        pytest.param(
            {"catalog/Dockerfile": "FROM scratch\nCOPY items/ /catalog/\nVOLUME /catalog\nUSER 7\n"}, id="how"
        ),
    ],
)
def test_what_has_changed_is_built_and_the_branch_moves(shop: Shop, there: There, change: dict[str, str]) -> None:
    shop.build("catalog")
    before, old = there.tags(), shop.sha_tag
    shop.commit(change)
    assert shop.build("catalog").code == 0
    after = there.tags()
    assert shop.metadata["result"] == "built"
    assert after[old] == before[old]
    assert after["main"] == after[shop.sha_tag] != before["main"]
    assert len([tag for tag in after if tag.startswith("src-")]) == 2


def test_what_dockerignore_leaves_out_is_no_change(shop: Shop) -> None:
    shop.build("catalog")
    shop.commit({"catalog/items/x.orig": "scratch"})
    shop.build("catalog")
    assert shop.metadata["result"] == "unchanged"


def test_going_back_to_old_files_finds_the_old_image(shop: Shop, there: There) -> None:
    shop.build("catalog")
    first = there.tags()["main"]
    shop.commit({"catalog/items/items.json": APPLES})
    shop.build("catalog")
    git(shop.folder, "revert", "--no-edit", "HEAD")
    git(shop.folder, "push", "--quiet", "origin", "HEAD")
    ran = shop.build("catalog")
    assert ran.code == 0
    assert shop.metadata["result"] == "unchanged"
    assert there.tags()["main"] == there.tags()[shop.sha_tag] == first


def test_a_failing_test_pushes_nothing_and_says_which(shop: Shop, there: There, proxy: Server) -> None:
    shop.commit({"catalog/items/items.json": '{"pears": 1}\n'})
    ran = shop.build("catalog", "--junit", "out")
    assert ran.code == 1
    assert ran.out == ""
    assert "1 of 4 tests of catalog failed" in ran.err
    assert "apples are sold" in ran.err
    assert there.tags() == {}
    assert writes(proxy) == []
    failed = ET.parse(shop.folder / "out" / "catalog.xml").getroot().findall(".//testcase[failure]")
    assert [case.get("name") for case in failed] == ["apples are sold"]
    told = shop.metadata
    assert (told["result"], told["images"]) == ("refused", [])
    assert told["failed"][0]["error"]["id"] == "tests-failed"
    assert [each["name"] for each in told["failed"][0]["tests"]["failures"]] == ["apples are sold"]


def test_a_test_that_is_added_is_run_on_an_image_that_was_there(shop: Shop, there: There) -> None:
    shop.build("catalog")
    config = (shop.folder / "pipelinegen.yaml").read_text(encoding="utf-8")
    shop.commit({"pipelinegen.yaml": config.replace("/bin/sh, shouldExist: false", "/bin/sh")})
    ran = shop.build("catalog")
    assert ran.code == 1
    assert shop.sha_tag not in there.tags()


def test_without_tests_an_image_counts_as_untested(shop: Shop, there: There) -> None:
    shop.commit({"catalog/items/items.json": '{"pears": 1}\n'})
    assert shop.build("catalog", "--no-test").code == 0
    assert there.named() == set(there.tags()) == {"main", shop.sha_tag}
    assert not any(key.startswith("dev.") for key in there.annotations("main"))
    # The commit's own tag holds an image that nobody has tested: it is not taken for a tested one.
    assert shop.build("catalog").code == 1


def test_a_fixed_tag_that_holds_something_else_stops_before_the_build(shop: Shop, there: There, proxy: Server) -> None:
    shop.build("catalog", "--tag", "1.0.0")
    before = there.tags()
    shop.commit({"catalog/items/items.json": APPLES})
    proxy.requests.clear()
    ran = shop.build("catalog", "--tag", "1.0.0", "--tag", "latest", "--json")
    assert ran.code == 1
    assert ran.document["error"]["id"] == "tag-holds-other-content"
    assert ran.document["result"] == "refused"
    assert "FROM scratch" not in ran.err
    assert there.tags() == before
    assert writes(proxy) == []


def test_a_run_that_was_cut_off_is_finished_by_the_next(
    shop: Shop, there: There, proxy: Server, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelinegen.edge.registry.client.PATIENCE_SECONDS", 1.0)
    faults.pattern = "PUT .*/manifests/src-"
    ran = shop.build("catalog")
    assert ran.code == 3, ran.err
    assert f"the tags {shop.sha_tag}, main hold it" in ran.err
    assert set(there.tags()) == {"main", shop.sha_tag}
    faults.pattern = None
    proxy.requests.clear()
    again = shop.build("catalog", engine="")
    assert again.code == 0
    assert shop.metadata["result"] == "unchanged"
    assert len(there.tags()) == 3
    assert [asked.split()[0] for asked in writes(proxy)] == ["PUT"]


def test_a_pipeline_that_comes_late_leaves_the_branch_where_it_is(shop: Shop, there: There) -> None:
    shop.build("catalog")
    ours = git(shop.folder, "rev-parse", "HEAD").decode().strip()
    shop.commit({"catalog/items/items.json": APPLES})
    shop.build("catalog")
    newer = there.tags()["main"]
    git(shop.folder, "checkout", "--quiet", "-B", "main", ours)
    (shop.folder / "catalog/items/late.json").write_text("{}", encoding="utf-8")
    commit(shop.folder, {})
    git(shop.folder, "branch", "--quiet", "--force", "late")
    shop.variables = {
        "GITLAB_CI": "true",
        "CI_COMMIT_BRANCH": "main",
        "CI_COMMIT_SHA": shop.head,
        "CI_PROJECT_DIR": str(shop.folder),
    }
    ran = shop.build("catalog")
    assert ran.code == 0
    assert there.tags()["main"] == newer != there.tags()[shop.sha_tag]
    assert "main stays where it is" in ran.err
    assert shop.metadata["images"][0]["tags"] == [shop.sha_tag]
    assert "main is at" in shop.metadata["images"][0]["notes"][0]


def test_where_the_remote_is_silent_the_later_image_stays(shop: Shop, there: There) -> None:
    first = shop.head
    shop.variables = {"SOURCE_DATE_EPOCH": "1700000000"}
    shop.build("catalog")
    late = there.tags()["main"]
    git(shop.folder, "remote", "set-url", "origin", str(shop.remote / "gone"))
    shop.commit({"catalog/items/items.json": APPLES}, push=False)
    shop.variables = {"SOURCE_DATE_EPOCH": "1600000000"}
    ran = shop.build("catalog")
    assert ran.code == 0
    assert there.tags()["main"] == late
    assert "it holds an image of 2023-11-14T22:13:20Z, which is later than this one" in ran.err
    shop.variables = {"SOURCE_DATE_EPOCH": "1800000000"}
    assert shop.build("catalog", "--no-cache", "--tag", "type=ref,event=branch").code == 0
    assert there.tags()["main"] != late
    assert first != shop.head


def test_versions_in_git_and_in_the_registry_decide_about_latest(shop: Shop, there: There) -> None:
    rules = ["--tag", "type=semver,pattern={{version}}", "--tag", "type=semver,pattern={{major}}.{{minor}}"]
    for version in ("v1.2.0", "v2.0.0"):
        shop.commit({"catalog/items/version.txt": version})
        git(shop.folder, "tag", version)
        git(shop.folder, "checkout", "--quiet", "--detach", version)
        assert shop.build("catalog", *rules).code == 0
        git(shop.folder, "checkout", "--quiet", "main")
    assert there.named() == {"1.2.0", "1.2", "2.0.0", "2.0", "latest"}
    newest = there.tags()["latest"]
    assert newest == there.tags()["2.0.0"]
    # A hotfix of the old line, from a checkout that knows no other tag: the registry knows.
    git(shop.folder, "checkout", "--quiet", "--detach", "v1.2.0")
    (shop.folder / "catalog/items/hotfix.txt").write_text("1", encoding="utf-8")
    commit(shop.folder, {})
    git(shop.folder, "tag", "--delete", "v1.2.0", "v2.0.0")
    git(shop.folder, "tag", "v1.2.1")
    ran = shop.build("catalog", *rules)
    assert ran.code == 0
    assert there.tags()["1.2"] == there.tags()["1.2.1"]
    assert there.tags()["latest"] == newest
    assert "latest stays where it is: 2.0.0 is a higher version" in ran.err
    assert shop.metadata["images"][0]["tag"] == "1.2.1"


def test_mirrors_hold_the_same_bytes_and_get_what_they_lack(shop: Shop, there: There) -> None:
    config = (shop.folder / "pipelinegen.yaml").read_text(encoding="utf-8")
    own = f"    repository: {shop.host}/shop/catalog\n"
    shop.build("catalog")
    shop.commit({"pipelinegen.yaml": config.replace(own, f"{own}    mirrors: [{shop.host}/shop/second]\n")})
    assert shop.build("catalog").code == 0
    assert shop.metadata["result"] == "unchanged"
    assert there.named("second") == {"main", shop.sha_tag}
    shop.commit({"catalog/items/items.json": APPLES})
    assert shop.build("catalog").code == 0
    assert shop.metadata["result"] == "built"
    own_tags, mirrored = there.tags(), there.tags("second")
    assert mirrored["main"] == own_tags["main"]
    assert not any(tag.startswith("src-") for tag in mirrored)


@pytest.fixture
def several(shop: Shop) -> Shop:
    """Four images: two upon others, by both ways, and one that has nothing to do with them."""
    shop.config(
        """\
images:
  top:
    repository: HOST/shop/top
    context: top
    contexts: {below: "target:middle"}
    tags: [type=sha]
  middle:
    repository: HOST/shop/middle
    context: middle
    tags: [type=sha]
    tests: {fileExistenceTests: [{name: ours, path: /middle}, {name: "below", path: /bottom}]}
  bottom: {repository: HOST/shop/bottom, context: bottom, tags: [type=sha]}
  aside:
    repository: HOST/shop/aside
    context: aside
    tags: [type=sha]
"""
    )
    shop.commit(
        {
            "top/Dockerfile": "FROM below\nCOPY top /top\n",
            "top/top": "1",
            "middle/Dockerfile": f"ARG BASE={shop.host}/shop/bottom\nFROM ${{BASE}}\nCOPY middle /middle\n",
            "middle/middle": "1",
            "bottom/Dockerfile": "FROM scratch\nCOPY bottom /bottom\n",
            "bottom/bottom": "1",
            "aside/Dockerfile": "FROM scratch\nCOPY aside /aside\n",
            "aside/aside": "1",
        }
    )
    return shop


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_bases_are_built_first_and_named_by_their_digest(several: Shop, there: There, jobs: str) -> None:
    ran = several.build("--jobs", jobs)
    assert ran.code == 0, ran.err
    assert [image["name"] for image in several.metadata["images"]] == ["top", "middle", "bottom", "aside"]
    layers = {
        name: there.config(several.sha_tag, name)["rootfs"]["diff_ids"]  # type: ignore[index]
        for name in ("bottom", "middle", "top")
    }
    assert [len(layers[name]) for name in layers] == [1, 2, 3]
    assert layers["top"][:2] == layers["middle"]
    assert layers["middle"][:1] == layers["bottom"]


def test_one_image_brings_what_it_is_built_upon_and_nothing_else(several: Shop, there: There) -> None:
    several.commit({"bottom/bottom": "2"})
    ran = several.build("middle")
    assert ran.code == 0, ran.err
    assert [image["name"] for image in several.metadata["images"]] == ["middle", "bottom"]
    layers = {name: there.config(several.sha_tag, name)["rootfs"]["diff_ids"] for name in ("bottom", "middle")}  # type: ignore[index]
    assert layers["middle"][:1] == layers["bottom"]
    assert there.tags("aside") == {}


def test_of_several_images_only_what_is_new_is_built(several: Shop) -> None:
    several.build()
    several.commit({"middle/middle": "2"})
    several.build()
    results = {image["name"]: image["result"] for image in several.metadata["images"]}
    assert results == {"top": "built", "middle": "built", "bottom": "unchanged", "aside": "unchanged"}
    several.commit({"aside/aside": "2"})
    several.build("--jobs", "4")
    results = {image["name"]: image["result"] for image in several.metadata["images"]}
    assert results == {"top": "unchanged", "middle": "unchanged", "bottom": "unchanged", "aside": "built"}


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_one_that_fails_stops_those_upon_it_and_no_others(several: Shop, there: There, jobs: str) -> None:
    several.commit({"bottom/Dockerfile": "FROM scratch\nCOPY aside /bottom\n", "bottom/aside": "x"})
    several.commit({"middle/Dockerfile": "FROM scratch\nCOPY middle /middle\n"})
    ran = several.build("--jobs", jobs)
    assert ran.code == 1
    assert {image["name"] for image in several.metadata["images"]} == {"bottom", "aside"}
    ids = {failed["name"]: failed["error"]["id"] for failed in several.metadata["failed"]}
    assert ids == {"middle": "tests-failed", "top": "base-failed"}
    assert (there.tags("top"), there.tags("middle")) == ({}, {})


def test_images_that_are_not_pushed_are_built_upon_each_other(several: Shop, proxy: Server) -> None:
    proxy.requests.clear()
    ran = several.build("--no-push")
    assert ran.code == 0, ran.err
    assert proxy.requests == []
    told = several.metadata
    assert (told["result"], told["images"]) == ("unpushed", [])
    assert [image["name"] for image in told["unpushed"]] == ["top", "middle", "bottom", "aside"]
    assert ran.out == ""


@pytest.fixture
def hooked(shop: Shop) -> Shop:
    shop.config(
        """\
images:
  catalog: {repository: HOST/shop/catalog, context: catalog, tags: [type=sha]}
build:
  hooks:
    before-push: [{name: scan, command: ./hook, args: [before]}]
    after-push: [{name: sign, command: ./hook, args: [after]}]
"""
    )
    script = (
        '#!/bin/sh\necho "$1 $IMAGE_NAME $IMAGE $IMAGE_DIGEST ${GITHUB_TOKEN-none}" >>hooks.txt\ntest "$1" != "$FAIL"\n'
    )
    shop.commit({"hook": script})
    (shop.folder / "hook").chmod(0o755)
    git(shop.folder, "commit", "--quiet", "--all", "--message", "Make it a program")
    git(shop.folder, "push", "--quiet", "origin", "HEAD")
    shop.variables = {"GITHUB_TOKEN": "canary-0123456789"}
    return shop


def test_hooks_run_before_and_after_the_push(hooked: Shop) -> None:
    ran = hooked.build()
    assert ran.code == 0, ran.err
    digest = hooked.metadata["images"][0]["digest"]
    before, after = (hooked.folder / "hooks.txt").read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(rf"before catalog oci:/\S+/catalog {digest} none", before)
    assert after == f"after catalog {hooked.host}/shop/catalog:{hooked.sha_tag}@{digest} {digest} none"
    assert "catalog: hooks before the push | + ./hook before" in ran.err


def test_a_hook_that_fails_before_the_push_keeps_it_back(hooked: Shop, there: There) -> None:
    hooked.variables["FAIL"] = "before"
    ran = hooked.build()
    assert ran.code == 1
    assert there.tags() == {}
    assert hooked.metadata["failed"][0]["error"]["id"] == "hook-failed"


def test_a_hook_that_fails_after_the_push_is_run_again(hooked: Shop, there: There) -> None:
    hooked.variables["FAIL"] = "after"
    assert hooked.build().code == 1
    assert set(there.tags()) == {hooked.sha_tag}
    hooked.variables["FAIL"] = ""
    assert hooked.build().code == 0
    assert len(there.tags()) == 2
    ran = (hooked.folder / "hooks.txt").read_text(encoding="utf-8")
    assert [line.split()[0] for line in ran.splitlines()] == ["before", "after", "after"]
    assert hooked.build().code == 0
    assert (hooked.folder / "hooks.txt").read_text(encoding="utf-8") == ran


def test_the_pull_request_of_a_fork_pushes_nothing(shop: Shop, proxy: Server, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    head = {"sha": shop.head, "repo": {"full_name": "mallory/shop"}}
    event.write_text(json.dumps({"number": 3, "pull_request": {"number": 3, "head": head}}), encoding="utf-8")
    shop.variables = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_REF": "refs/pull/3/merge",
        "GITHUB_EVENT_PATH": str(event),
    }
    proxy.requests.clear()
    ran = shop.build("catalog", "--push")
    assert ran.code == 0, ran.err
    assert proxy.requests == []
    assert "nothing is pushed" in ran.err
    assert shop.metadata["result"] == "unpushed"


def test_files_that_are_in_no_commit_get_no_tag_of_one(shop: Shop, there: There) -> None:
    (shop.folder / "catalog/items/items.json").write_text(APPLES, encoding="utf-8")
    ran = shop.build("catalog")
    assert ran.code == 0
    assert "catalog/items/items.json is not as in the commit" in ran.err
    assert there.named() == {"main"}
    assert shop.metadata["images"][0]["source"]["revision"] is None
    assert f"{OCI}revision" not in there.annotations("main")


def test_where_no_rule_gives_a_tag_nothing_is_pushed(shop: Shop, proxy: Server) -> None:
    proxy.requests.clear()
    ran = shop.build("catalog", "--tag", "type=semver,pattern={{version}}")
    assert ran.code == 0
    assert proxy.requests == []
    assert shop.metadata["unpushed"][0]["notes"][0].startswith("no rule gives a tag")


def test_github_gets_outputs_and_a_page(shop: Shop, tmp_path: Path) -> None:
    shop.variables = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": shop.head,
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "page"),
    }
    ran = shop.build("catalog")
    assert ran.code == 0, ran.err
    digest = shop.metadata["images"][0]["digest"]
    outputs = (tmp_path / "outputs").read_text(encoding="utf-8")
    assert re.search(rf"^catalog-digest<<(\S+)\n{digest}\n\1$", outputs, re.MULTILINE)
    assert digest in (tmp_path / "page").read_text(encoding="utf-8")
    assert "::group::catalog: build\n::stop-commands::" in ran.err
    assert shop.metadata["source"]["url"] == "https://github.com/acme/shop"


def test_bump_takes_the_digest_into_the_manifests(shop: Shop) -> None:
    shop.config(
        f"""\
images:
  catalog: {{repository: HOST/shop/catalog, context: catalog, tags: [type=sha]}}
manifests: {{repository: {shop.folder}/deploy}}
"""
    )
    assert shop.build().code == 0
    reference = shop.metadata["images"][0]["reference"]
    ran = shop.run("bump", "--from", "build-metadata.json", "--repo", "deploy")
    assert ran.code == 0, ran.err
    text = (shop.folder / "deploy/web.yaml").read_text(encoding="utf-8")
    assert f'image: {{reference: "{reference}"}}' in text
    again = shop.run("bump", "--from", "build-metadata.json", "--repo", "deploy", "--json")
    assert again.document["result"] == "unchanged"


def test_a_dry_run_writes_nothing_anywhere(several: Shop, proxy: Server, there: There) -> None:
    several.build("bottom")
    (several.folder / "build-metadata.json").unlink()
    proxy.requests.clear()
    ran = several.build("--dry-run", "--json")
    assert ran.code == 0, ran.err
    states = {image["name"]: image["state"].partition(",")[0] for image in ran.document["planned"]}
    assert states == {"bottom": "unchanged", "aside": "to build", "middle": "to build", "top": "to build"}
    assert list(states) == ["bottom", "aside", "middle", "top"]
    assert writes(proxy) == []
    assert there.tags("aside") == {}
    assert not (several.folder / "build-metadata.json").exists()
    told = several.build("--dry-run", "aside")
    assert f"  tag       {several.sha_tag} (fixed, type=sha)" in told.out.splitlines()


def test_a_dry_run_needs_no_registry(shop: Shop, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelinegen.commands.building.dry.UNASKED_SECONDS", 0.2)
    faults.pattern = "."
    ran = shop.build("catalog", "--dry-run")
    assert ran.code == 0
    assert ran.out.startswith("catalog: to build, unless it is in the registry, which was not asked: ")


def test_an_image_can_be_built_anew(shop: Shop, there: There) -> None:
    shop.build("catalog")
    before = there.tags()
    ran = shop.build("catalog", "--no-cache")
    assert (ran.code, shop.metadata["result"]) == (0, "built")
    assert there.tags() == before  # the built-in engine makes the same bytes again


def test_built_anew_a_fixed_tag_stays_where_it_holds_the_same_sources(
    shop: Shop, there: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.build("catalog")
    before = there.tags()
    # Another time gives other bytes, as an engine gives them that is not reproducible.
    shop.variables = {"SOURCE_DATE_EPOCH": "1800000000"}
    ran = shop.build("catalog", "--no-cache")
    assert ran.code == 0, ran.err
    after = there.tags()
    assert (after[shop.sha_tag], after["main"] != before["main"]) == (before[shop.sha_tag], True)
    assert f"{shop.sha_tag} stays where it is: it holds an earlier build of the same sources" in ran.err
    assert shop.metadata["images"][0]["tags"] == ["main"]


def test_built_anew_a_fixed_tag_with_other_content_still_stops_before_the_build(shop: Shop, proxy: Server) -> None:
    shop.build("catalog", "--tag", "1.0.0")
    shop.commit({"catalog/items/items.json": APPLES})
    proxy.requests.clear()
    ran = shop.build("catalog", "--tag", "1.0.0", "--no-cache", "--json")
    assert (ran.code, ran.document["error"]["id"]) == (1, "tag-holds-other-content")
    assert "FROM scratch" not in ran.err
    assert writes(proxy) == []


def test_a_build_argument_that_looks_like_a_secret_is_warned_of_even_when_quiet(shop: Shop) -> None:
    ran = shop.build("catalog", "--no-push", "--quiet", "--build-arg", "API_TOKEN=canary-hunter22")
    assert ran.code == 0
    assert "warning: catalog: the build argument API_TOKEN looks like a secret" in ran.err
    assert "canary-hunter22" not in ran.err


def test_a_registry_that_wants_a_login_gets_it_and_nobody_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with start_registry(tmp_path / "registry", "htpasswd") as locked:
        shop = open_shop(tmp_path, locked.host, monkeypatch, capsys)
        ran = shop.build("catalog", "--json")
        assert ran.code == 4
        assert ran.document["error"]["id"] == "no-token"
        shop.variables = {
            "PIPELINEGEN_REGISTRY_USERNAME": locked.username,
            "PIPELINEGEN_REGISTRY_PASSWORD": locked.password,
        }
        ran = shop.build("catalog", "-vv", "--json")
        assert ran.code == 0, ran.err
        metadata = (shop.folder / "build-metadata.json").read_text(encoding="utf-8")
        assert not any(locked.password in text for text in (*ran[1:], metadata))
        shop.variables["PIPELINEGEN_REGISTRY_PASSWORD"] = "wrong-canary-77"
        shop.commit({"catalog/items/items.json": APPLES})
        ran = shop.build("catalog")
        assert ran.code == 4
        assert "wrong-canary-77" not in ran.err


def test_an_engine_that_is_not_there_is_the_worlds_fault(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(shutil.which("git") or "/usr/bin/git")
    shop.variables = {"PATH": str(tmp_path / "bin")}
    ran = shop.build("catalog", "--json", engine="podman")
    assert ran.code == 3
    assert ran.document["error"]["id"] == "engine-missing"
    auto = shop.build("catalog", engine="auto")
    assert auto.code == 0
    assert "the built-in engine oci" in auto.err


def test_a_dockerfile_that_runs_something_needs_an_engine(shop: Shop) -> None:
    shop.commit({"catalog/Dockerfile": "FROM scratch\nRUN true\n"})
    ran = shop.build("catalog", "--json")
    assert ran.code == 3
    assert ran.document["error"]["id"] == "engine-missing"
    assert ran.document["error"]["where"].startswith("catalog/Dockerfile:2:1")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["catalogue"], 2, 'did you mean "catalog"?'),
        (["catalog", "--tag", "type=raw,value=1.10"], 2, "prefix=v"),
        (["catalog", "--platform", "x"], 2, "write it as linux/amd64"),
    ],
)
def test_input_that_cannot_be_followed(shop: Shop, arguments: list[str], code: int, said: str) -> None:
    ran = shop.build(*arguments, "--json")
    assert ran.code == code
    assert said in ran.err
    assert ran.document["schema"] == "pipelinegen.build/1"
