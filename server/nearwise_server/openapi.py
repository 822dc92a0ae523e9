"""The OpenAPI 3.1 page, made from the same rows that the routes are made from."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nearwise_server.operations import Content, Operation


def openapi_document(operations: Iterable[Operation], version: str) -> dict[str, object]:
    """The page as a JSON object."""
    paths: dict[str, dict[str, object]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    key = {"type": "http", "scheme": "bearer", "description": "a key made by `nearwise keys`"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Nearwise", "version": version, "description": "The environment comes from the key."},
        "paths": paths,
        "components": {"securitySchemes": {"key": key}},
    }


def _operation(operation: Operation) -> dict[str, object]:
    scopes = sorted(scope.value for scope in operation.scopes)
    described: dict[str, object] = {
        "operationId": re.sub(r"\W+", "_", f"{operation.method.lower()}{operation.path}").strip("_"),
        "summary": operation.summary,
        "security": [{"key": []}] if scopes else [],
        "x-scopes": scopes,
        "parameters": list(operation.parameters),
        "responses": {
            str(status): {"description": meaning} | _content(content)
            for status, (meaning, content) in sorted(operation.answers.items())
        },
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True} | _content(operation.body)
    return described


def _content(content: Content | None) -> dict[str, object]:
    if content is None:
        return {}
    described: dict[str, object] = {content.media_type: {"schema": content.schema} if content.schema else {}}
    return {"content": described | {also: {} for also in content.also}}
