"""The deployment of a request and its model."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec.structs import replace

from mockserver.providers.azure.table import azure_table

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard
    from mockserver.catalog.tables import Catalog
    from mockserver.pipeline.call import Call


HEADER_SAFE = " !#$&'()*+,/:;=?@[]"  # characters of header values that are not percent-encoded
_LONGEST_IN_HEADER = 256  # characters


def deployment_of(call: Call) -> str:
    """Return the name of the deployment that a request calls; empty if it calls none."""
    name = call.path.get("deployment", "")
    return name if isinstance(name, str) else ""


def in_header(name: str) -> str:
    """Return the beginning of a deployment's name as the value of a header: anything but ASCII is percent-encoded.

    Declared names and models are shorter; in strictness ``schema`` any text names a model.
    """
    return quote(name[:_LONGEST_IN_HEADER], safe=HEADER_SAFE)


def name_deployment(call: Call) -> str:
    """Return the deployment of a call to a model, in its path or in its body; empty if it names none.

    It is among the values of the path then, wherever it was.
    """
    named = call.path.get("deployment") or call.document.get("model")
    if not isinstance(named, str):
        return ""
    call.path = {**call.path, "deployment": named}
    return named


def deploy_defaults(catalog: Catalog) -> None:
    """Add deployments with Azure's names of models, unless the configuration declares them."""
    for name, openais in azure_table().model_names.items():
        model = catalog.model(openais)
        if model is not None and catalog.deployment(name) is None:
            catalog.deploy(name, model, model.limit_group)


def model_of(catalog: Catalog, name: str, account_id: str) -> ModelCard | None:
    """Return the model of a deployment: the declared one, else the model of the same name, or ``None``.

    Its snapshot is Azure's name with a date.
    """
    model = catalog.deployment(name) or catalog.model(name, account_id)
    dated = azure_table().dated_models.get(model.snapshot) if model else None
    return replace(model, snapshot=dated) if model and dated else model


def azure_name(model: ModelCard) -> str:
    """Return Azure's name of a model without its date."""
    name = model.alias_of or model.id
    return next((azures for azures, openais in azure_table().model_names.items() if openais == name), name)
