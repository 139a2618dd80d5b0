"""Writes the descriptions that the stand-ins are held to, from what the services themselves publish.

Run by hand when an operation is added: `python -m tests.support.forges.describe`, with npm and go at hand.

github.json      the operations in use, cut from GitHub's OpenAPI document (npm @octokit/openapi, MIT)
github.graphql   the types in use, cut from GitHub's GraphQL schema (npm @octokit/graphql-schema, MIT)
gitlab.json      the operations in use, from the options and answers of GitLab's own Go client
                 (gitlab.com/gitlab-org/api/client-go, Apache-2.0), and the shapes of the answers recorded in its tests.
                 Go's structs do not say which parameters are required: REQUIRED has that, from docs.gitlab.com/api.
"""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

OPENAPI = "@octokit/openapi@23.0.2"
GRAPHQL = "@octokit/graphql-schema@15.26.1"
CLIENT_GO = "gitlab.com/gitlab-org/api/client-go@v1.46.0"
HERE = Path(__file__).parent

REPO = "/repos/{owner}/{repo}"
GITHUB = [
    ("get", REPO),
    ("get", f"{REPO}/git/matching-refs/{{ref}}"),
    ("get", f"{REPO}/pulls"),
    ("post", f"{REPO}/pulls"),
    ("get", f"{REPO}/pulls/{{pull_number}}"),
    ("patch", f"{REPO}/pulls/{{pull_number}}"),
    ("put", f"{REPO}/pulls/{{pull_number}}/merge"),
    ("get", f"{REPO}/pulls/{{pull_number}}/reviews"),
    ("post", f"{REPO}/pulls/{{pull_number}}/requested_reviewers"),
    ("get", f"{REPO}/issues/{{issue_number}}/comments"),
    ("post", f"{REPO}/issues/{{issue_number}}/comments"),
    ("post", f"{REPO}/issues/{{issue_number}}/labels"),
    ("post", f"{REPO}/issues/{{issue_number}}/assignees"),
    ("patch", f"{REPO}/issues/{{issue_number}}"),
    ("get", f"{REPO}/milestones"),
    ("get", f"{REPO}/commits/{{ref}}/status"),
    ("get", f"{REPO}/commits/{{ref}}/check-runs"),
    ("get", f"{REPO}/branches/{{branch}}"),
    ("get", f"{REPO}/rules/branches/{{branch}}"),
]
# An answer of GitHub may hold hundreds of fields that nobody here reads; these objects are cut to what is required.
GRAPHQL_TYPES = {
    "Query": ["repository", "viewer"],
    "Mutation": ["createCommitOnBranch", "enablePullRequestAutoMerge", "updateRefs"],
    "Repository": ["id", "nameWithOwner", "ref"],
    "Ref": ["id", "name", "target"],
    "GitObject": ["id", "oid"],
    "Commit": ["id", "oid", "url"],
    "User": ["id", "login"],
    "PullRequest": ["id", "number", "state"],
    "CreateCommitOnBranchPayload": ["clientMutationId", "commit"],
    "EnablePullRequestAutoMergePayload": ["clientMutationId", "pullRequest"],
    "UpdateRefsPayload": ["clientMutationId"],
}
GITLAB = [
    ("projects", "ProjectsService", "GetProject"),
    ("branches", "BranchesService", "ListBranches"),
    ("protected_branches", "ProtectedBranchesService", "ListProtectedBranches"),
    ("merge_requests", "MergeRequestsService", "ListProjectMergeRequests"),
    ("merge_requests", "MergeRequestsService", "GetMergeRequest"),
    ("merge_requests", "MergeRequestsService", "CreateMergeRequest"),
    ("merge_requests", "MergeRequestsService", "UpdateMergeRequest"),
    ("merge_requests", "MergeRequestsService", "AcceptMergeRequest"),
    ("notes", "NotesService", "ListMergeRequestNotes"),
    ("notes", "NotesService", "CreateMergeRequestNote"),
    ("users", "UsersService", "ListUsers"),
    ("users", "UsersService", "CurrentUser"),
    ("milestones", "MilestonesService", "ListMilestones"),
    ("commits", "CommitsService", "GetCommitStatuses"),
    ("personal_access_tokens", "PersonalAccessTokensService", "GetSinglePersonalAccessToken"),
]
REQUIRED = {"CreateMergeRequest": ["source_branch", "target_branch", "title"], "CreateMergeRequestNote": ["body"]}
RECORDED = {
    "GetMergeRequest": "get_merge_request.json",
    "ListProjectMergeRequests": "get_merge_requests.json",
    "GetSinglePersonalAccessToken": "list_personal_access_tokens_single.json",
    "ListBranches": "list_branches.json",
}
PROJECT_FIELDS = ["id", "default_branch", "web_url", "path_with_namespace", "permissions", "archived", "visibility"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        openapi = json.loads((unpacked(OPENAPI, Path(folder)) / "generated" / "api.github.com.json").read_text())
        write("github.json", github(openapi))
        sdl = (unpacked(GRAPHQL, Path(folder)) / "schema.graphql").read_text(encoding="utf-8")
        (HERE / "github.graphql").write_text(graphql(sdl), encoding="utf-8")
    told = subprocess.run(["go", "mod", "download", "-json", CLIENT_GO], capture_output=True, check=True)
    write("gitlab.json", gitlab(Path(json.loads(told.stdout)["Dir"])))


def unpacked(package: str, folder: Path) -> Path:
    told = subprocess.run(["npm", "pack", "--json", package], cwd=folder, capture_output=True, check=True)
    name = json.loads(told.stdout)[0]["filename"]
    target = folder / name.removesuffix(".tgz")
    with tarfile.open(folder / name) as archive:
        archive.extractall(target, filter="data")
    return Path(target / "package")


def write(name: str, description: dict[str, Any]) -> None:
    """One line for each operation and schema: small, and a new version shows what changed."""
    parts = []
    for key, value in description.items():
        if isinstance(value, dict):
            rows = [f"  {json.dumps(name)}: {compact(value[name])}" for name in sorted(value)]
            parts.append(f"{json.dumps(key)}: {{\n" + ",\n".join(rows) + "\n}")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value)}")
    (HERE / name).write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def github(document: dict[str, Any]) -> dict[str, Any]:
    operations = {}
    for method, path in GITHUB:
        operation = document["paths"][path][method]
        parameters = [resolve(document, parameter) for parameter in operation.get("parameters", [])]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        answers = {}
        for status, answer in operation["responses"].items():
            media = resolve(document, answer).get("content", {})
            answers[status] = trimmed(media["application/json"]["schema"]) if "application/json" in media else None
        operations[f"{method.upper()} {path}"] = {
            "query": {one["name"]: trimmed(one["schema"]) for one in parameters if one["in"] == "query"},
            "body": trimmed(content) if content else None,
            "answers": answers,
        }
    return {
        "source": f"npm {OPENAPI}: generated/api.github.com.json",
        "license": "MIT, Copyright (c) 2020 Octokit contributors",
        "operations": operations,
        "schemas": closure(document["components"]["schemas"], operations),
    }


def resolve(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in value:
        return value
    _, _, kind, name = value["$ref"].split("/")
    resolved: dict[str, Any] = document["components"][kind][name]
    return resolved


def trimmed(schema: Any) -> Any:
    """OpenAPI 3.0's schema as JSON Schema, without words; of an object of many fields, those that are required."""
    if isinstance(schema, list):
        return [trimmed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"].replace("#/components/schemas/", "#/schemas/")}
    kept = {
        key: trimmed(value)
        for key, value in schema.items()
        if key in ("type", "items", "required", "enum", "oneOf", "anyOf", "allOf", "format", "additionalProperties")
        or key in ("minimum", "maximum", "minLength", "maxLength", "pattern", "minItems", "maxItems", "default")
    }
    if "properties" in schema:
        kept["properties"] = {name: trimmed(value) for name, value in schema["properties"].items()}
    if schema.get("nullable"):
        return {"anyOf": [{"type": "null"}, kept]}
    return kept


def closure(schemas: dict[str, Any], operations: dict[str, Any]) -> dict[str, Any]:
    """Every schema that the operations reach. Beyond the first two steps an object keeps its required fields only."""
    found: dict[str, Any] = {}
    pending = [(name, 0) for name in references(operations)]
    while pending:
        name, depth = pending.pop(0)
        if name in found:
            continue
        schema = trimmed(schemas[name])
        found[name] = without_optional(schema) if depth else schema
        pending += [(inner, depth + 1) for inner in references(found[name])]
    return found


def without_optional(schema: dict[str, Any]) -> dict[str, Any]:
    needed = set(schema.get("required", ()))
    if "properties" not in schema or not needed:
        return schema
    return {**schema, "properties": {name: value for name, value in schema["properties"].items() if name in needed}}


def references(value: Any) -> list[str]:
    return sorted(set(re.findall(r'"#/schemas/([^"]+)"', json.dumps(value))))


def graphql(sdl: str) -> str:
    """The types in use with the fields in use; what a kept field takes or gives is kept as well."""
    from graphql import parse, print_ast
    from graphql.language import ast

    nodes = {node.name.value: node for node in parse(sdl, no_location=True).definitions if hasattr(node, "name")}
    kept: dict[str, Any] = {}
    pending = ["Query", "Mutation"]
    while pending:
        name = pending.pop()
        if name in kept or name not in nodes:
            continue
        node: Any = nodes[name]
        if isinstance(node, ast.ObjectTypeDefinitionNode | ast.InterfaceTypeDefinitionNode):
            node = cut(node)
            if not node.fields:
                continue
        kept[name] = node
        pending += re.findall(r"\b[A-Z]\w+", re.sub(r'"""(?:.|\n)*?"""', "", print_ast(node)))
    # An interface is nothing without the types that are it.
    for name in ("Commit", "User"):
        kept[name] = cut(nodes[name])
    printed = "\n\n".join(print_ast(kept[name]) for name in sorted(kept))
    head = f"# Cut from npm {GRAPHQL}: schema.graphql (MIT, Copyright GitHub, Inc. and Octokit contributors)\n\n"
    words = re.sub(r'^\s*"""(?:.|\n)*?"""\n', "", printed, flags=re.MULTILINE)
    return head + re.sub(r" ?@(docsCategory|deprecated|preview|possibleTypes)\([^)]*\)", "", words) + "\n"


def cut(node: Any) -> Any:
    wanted = GRAPHQL_TYPES.get(node.name.value, ())
    fields = tuple(field for field in node.fields if field.name.value in wanted)
    interfaces = tuple(one for one in node.interfaces or () if one.name.value in GRAPHQL_TYPES)
    return replace(node, fields=fields, interfaces=interfaces)


def gitlab(folder: Path) -> dict[str, Any]:
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.go")) if "_test" not in path.name
    )
    types = dict(re.findall(r"^type (\w+) (struct \{.*?^\}|\[?\]?[\w.]+)$", source, re.MULTILINE | re.DOTALL))
    types.update(re.findall(r"^\t(\w+) (struct \{.*?^\t\})$", source, re.MULTILINE | re.DOTALL))
    operations: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    recorded: dict[str, Any] = {}
    for _, service, name in GITLAB:
        found = re.search(
            rf"^func \(s \*{service}\) {name}\((.*?)\) \((.*?), \*Response.*?\{{(.*?)^\}}", source, re.M | re.S
        )
        if found is None:
            raise SystemExit(f"{service}.{name} is not there")
        arguments, result, body = found.groups()
        method = str((re.search(r"http\.Method(\w+)", body) or ["", "Get"])[1]).upper()
        path = re.sub(r"%[sd]", "{}", str((re.search(r'withPath\("([^"]+)"', body) or ["", ""])[1]))
        options = re.search(r"opts? \*(\w+)", arguments)
        fields = struct(types, options.group(1)) if options else {}
        answer = reach(types, schemas, result)
        operations[f"{method} /{path}"] = {
            "query": {} if method != "GET" else {tag["url"]: kind(types, tag["type"]) for tag in fields.values()},
            "body": None
            if method == "GET"
            else {
                "type": "object",
                "properties": {tag["json"]: kind(types, tag["type"]) for tag in fields.values()},
                "required": REQUIRED.get(name, []),
            },
            "answers": {"200" if method != "POST" else "201": answer},
        }
        if name in RECORDED:
            told = json.loads((folder / "testdata" / RECORDED[name]).read_text(encoding="utf-8"))
            recorded[f"{method} /{path}"] = shape(told[0] if isinstance(told, list) else told)
    return {
        "source": f"go {CLIENT_GO}",
        "license": "Apache-2.0",
        "operations": operations,
        "schemas": schemas,
        "recorded": recorded,
    }


def struct(types: dict[str, str], name: str) -> dict[str, dict[str, str]]:
    """Field → its Go type and the names it has in JSON and in a query; embedded structs are taken in."""
    fields: dict[str, dict[str, str]] = {}
    for line in types[name].split("\n")[1:-1]:
        text = re.sub(r"//.*", "", line).strip()
        if re.fullmatch(r"\w+", text):
            fields.update(struct(types, text))
        elif found := re.match(r"(\w+)\s+(\S+)\s+`(.*)`", text):
            tags = {key: value.split(",")[0] for key, value in re.findall(r'(\w+):"([^"]*)"', found.group(3))}
            fields[found.group(1)] = {"type": found.group(2), "url": tags.get("url", ""), "json": tags.get("json", "")}
    return fields


def reach(types: dict[str, str], schemas: dict[str, Any], written: str) -> dict[str, Any]:
    """The schema of an answer; the structs it holds go to `schemas`. Go reads null as nothing, so any may be null."""
    name = written.lstrip("*")
    if name.startswith("[]"):
        return {"type": "array", "items": reach(types, schemas, name[2:])}
    if not types.get(name, "").startswith("struct"):
        return kind(types, name)
    if name not in schemas:
        schemas[name] = {"type": "object", "additionalProperties": False}
        schemas[name]["properties"] = {
            field["json"]: {"anyOf": [{"type": "null"}, reach(types, schemas, field["type"])]}
            for field in struct(types, name).values()
            if field["json"] and (name != "Project" or field["json"] in PROJECT_FIELDS)
        }
    return {"$ref": f"#/schemas/{name}"}


def kind(types: dict[str, str], written: str) -> dict[str, Any]:
    name = written.lstrip("*")
    if name == "LabelOptions":
        return {"type": ["string", "array"]}
    if name.startswith("[]"):
        return {"type": "array", "items": kind(types, name[2:])}
    if re.fullmatch(r"u?int(8|16|32|64)?", name):
        return {"type": "integer"}
    if name in ("time.Time", "ISOTime", "string"):
        return {"type": "string"}
    basic = {"bool": {"type": "boolean"}, "float64": {"type": "number"}}
    if name in basic:
        return basic[name]
    return kind(types, types[name]) if name in types and not types[name].startswith("struct") else {}


def shape(value: Any) -> Any:
    """Names and types of an answer, without its values."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}[type(value)]


if __name__ == "__main__":
    main()
