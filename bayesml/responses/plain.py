"""Plain response."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar

from bayesml.families import Family
from bayesml.responses.base import Response


class Plain(Response):
    """A response that is observed as it is: each row contributes its density."""

    name: ClassVar[str | None] = None
    arguments: ClassVar[tuple[str, ...]] = ("y",)

    def log_density(
        self, family: Family, y: Mapping[str, Any], parameters: Mapping[str, Any], namespace: ModuleType
    ) -> Any:
        return family.log_density(y["y"], parameters, namespace)
