"""The schemas of files and uploads are those that are documented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from mockserver.resources import data_folder
from tests.schemas.structure import alternatives, expanded

FOLDER = data_folder("schemas") / "openai"
OPENAPI = Path(__file__).parents[3] / "shared" / "reference" / "openapi"
DOCUMENTED = {
    "create_file.request": ("models-files-batches.json", "CreateFileRequest"),
    "file_expiration": ("models-files-batches.json", "FileExpirationAfter"),
    "file.response": ("models-files-batches.json", "OpenAIFile"),
    "file_list.response": ("models-files-batches.json", "ListFilesResponse"),
    "file_deleted.response": ("models-files-batches.json", "DeleteFileResponse"),
    "create_upload.request": ("uploads.json", "CreateUploadRequest"),
    "add_upload_part.request": ("uploads.json", "AddUploadPartRequest"),
    "complete_upload.request": ("uploads.json", "CompleteUploadRequest"),
    "upload.response": ("uploads.json", "Upload"),
    "upload_part.response": ("uploads.json", "UploadPart"),
}


def structure(documents: dict[str, Any], reference: str) -> list[Any]:
    """What the schema at ``reference`` admits; ``documents`` are files by name."""
    registry: Registry[Any] = Registry().with_resources(
        (f"https://example.invalid/{name}", DRAFT202012.create_resource(document))
        for name, document in documents.items()
    )
    resolver = registry.resolver("https://example.invalid/")
    return alternatives(expanded({"$ref": reference}, resolver))


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_schema_has_the_structure_that_is_documented(name: str) -> None:
    file, component = DOCUMENTED[name]
    if not OPENAPI.is_dir():
        pytest.skip("the documented specification is not at hand")
    specification = {file: json.loads((OPENAPI / file).read_bytes())}
    ours = {path.name: json.loads(path.read_bytes()) for path in FOLDER.glob("*.json")}
    assert structure(ours, f"{name}.json") == structure(
        specification, f"{file}#/components/schemas/{component}"
    )
