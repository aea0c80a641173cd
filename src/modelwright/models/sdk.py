"""Verbs on models for scripts and notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.core.operation import Face
from modelwright.core.schema import Contract
from modelwright.models.model import FEATURES, Featured, ModelVersion, PackageFile, Reason, loosened

if TYPE_CHECKING:
    from modelwright.models.flavours.base import Predictor


class ModelsFace(Face):
    """``ws.models``."""

    def save(
        self,
        model: object,
        name: str,
        *,
        example: Any,
        contract: Contract | None = None,
        nullable: Sequence[str] = (),
        run_id: str | None = None,
        reason: Reason | None = None,
        note: str = "",
        features: Featured | None = None,
    ) -> ModelVersion:
        """Package a fitted model and register it as the next version.

        Args:
            model: An object that a flavour keeps: a scikit-learn estimator, a ``Lookup``.
            name: The model.
            example: Rows it is asked with: an Arrow table or column -> values. The contract is inferred from them all,
                so give the training rows; the first 64 are kept as golden rows.
            contract: The columns it takes, where you know better than the example.
            nullable: Columns that may be missing, though none is in the example.
            run_id: The run that made it.
            reason: Why this version exists.
            note: Your words.
            features: The version of the feature view whose vectors it takes, ``training.view``. The contract is the
                view's, and an endpoint completes questions that carry only its keys and context.

        Raises:
            Invalid: No flavour keeps it, or the example does not fit.
        """
        from modelwright.core.source import installed
        from modelwright.data.contract import contract_of  # weight: pyarrow
        from modelwright.data.ingest import table_of
        from modelwright.models.package import pack

        table = table_of(example)
        columns: Mapping[str, Sequence[Any]] = table.slice(0, 1000).to_pydict()
        promised = contract or contract_of(table)
        inputs = loosened(promised if features is None else _vector(features, promised), nullable)
        packed = pack(model, inputs, columns, requirements=installed())
        if features is not None:
            packed.files[FEATURES] = wire.canonical(features)
        files = []
        for path, data in sorted(packed.files.items()):
            sent = self._caller.upload(data)
            files.append(PackageFile(path=path, digest=sent.digest, size=sent.size))
        return self.register(  # type: ignore[no-any-return]  # an operation of this face
            name,
            packed.flavour,
            packed.task,
            packed.inputs,
            files,
            run_id=run_id,
            reason=reason,
            note=note,
            features=None if features is None else features.pinned,
        )

    def load(self, ref: str) -> Predictor:
        """A version's predictor, after every byte has been verified against the home's signature.

        Args:
            ref: ``name@3`` or ``name@champion``.

        Raises:
            Corrupted: A byte is not what was signed.
        """
        from modelwright.models.package import loaded, verified  # weight: the flavour's framework

        package = self.package(ref)
        by_digest = {file.digest: file.path for file in package.manifest.files}
        files = verified(
            package,
            bytes.fromhex(self.signer()),
            lambda digest: self._fetch("download", package.ref, by_digest[digest]),
        )
        return loaded(package.manifest, files)


def _vector(features: Featured, example: Contract) -> Contract:
    """The view's contract; a column that is missing somewhere in the example may be missing.

    Raises:
        Invalid: The example is not a table of the view's vectors.
    """
    if not hasattr(features, "pinned"):
        raise Invalid(
            f"features is a {type(features).__name__}, not a version of a feature view.",
            remedy="Give training.view, or what ws.features.apply(view) answers.",
        )
    found = {column.name: column for column in example.columns}
    for column in features.contract.columns:
        if column.name not in found:
            raise Invalid(
                f"The example has no column {column.name}, which {features.pinned.ref} has.",
                remedy="Give the vectors that it was trained on: example=training.features",
                fields={"example": f"has no {column.name}"},
            )
    missing = [column.name for column in features.contract.columns if found[column.name].nullable]
    return loosened(features.contract, missing)
