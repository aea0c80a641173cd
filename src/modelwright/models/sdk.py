"""Verbs on models for scripts and notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.core.operation import Face
from modelwright.models.model import ModelVersion, PackageFile, Reason

if TYPE_CHECKING:
    from modelwright.core.schema import Contract
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

        Raises:
            Invalid: No flavour keeps it, or the example does not fit.
        """
        from modelwright.core.source import installed
        from modelwright.data.contract import contract_of  # weight: pyarrow
        from modelwright.data.ingest import table_of
        from modelwright.models.package import loosened, pack

        table = table_of(example)
        columns: Mapping[str, Sequence[Any]] = table.slice(0, 1000).to_pydict()
        inputs = loosened(contract or contract_of(table), nullable)
        packed = pack(model, inputs, columns, requirements=installed())
        files = []
        for path, data in sorted(packed.files.items()):
            sent = self._caller.upload(data)
            files.append(PackageFile(path=path, digest=sent.digest, size=sent.size))
        return self.register(  # type: ignore[no-any-return]  # an operation of this face
            name, packed.flavour, packed.task, packed.inputs, files, run_id=run_id, reason=reason, note=note
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
